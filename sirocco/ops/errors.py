"""What an operator can mend: every error of running Sirocco whose message is meant for people."""


class OperationError(Exception):
    """Something about this installation; the message says what, where, why and what to do."""
