"""What an operator can mend: every error of running Sirocco whose message is meant for people."""

from sirocco.contracts.told import ToldError


class OperationError(ToldError):
    """Something about this installation; the message says what, where, why and what to do."""
