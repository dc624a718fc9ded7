"""What can go wrong when leases are described, planned or changed."""


class LeaseError(ValueError):
    """A request, a setting or a call that cannot be served; the text says what, where, why and what to do."""


class OverCapacityError(LeaseError):
    """A reservation would take more than a host has left at some instant."""


class TokenReusedError(LeaseError):
    """A commit token that already stands for different reservations."""


class TransitionError(LeaseError):
    """A lease was asked to enter a state that its present state does not lead to."""
