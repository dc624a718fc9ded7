"""The states of what Sirocco keeps, in CIMI's words."""

from enum import StrEnum


class MachineState(StrEnum):
    """Life of a machine (DSP0263 2.0.0, 5.14.1)."""

    CREATING = "CREATING"
    STARTING = "STARTING"
    STARTED = "STARTED"
    STOPPING = "STOPPING"
    STOPPED = "STOPPED"
    PAUSING = "PAUSING"
    PAUSED = "PAUSED"
    SUSPENDING = "SUSPENDING"
    SUSPENDED = "SUSPENDED"
    CAPTURING = "CAPTURING"
    RESTORING = "RESTORING"
    DELETING = "DELETING"
    ERROR = "ERROR"


class VolumeState(StrEnum):
    """Life of a volume (5.15.1)."""

    CREATING = "CREATING"
    AVAILABLE = "AVAILABLE"
    CAPTURING = "CAPTURING"
    RESTORING = "RESTORING"
    DELETING = "DELETING"
    ERROR = "ERROR"


class ImageState(StrEnum):
    """Life of a machine image or a volume image (5.14.6)."""

    CREATING = "CREATING"
    AVAILABLE = "AVAILABLE"
    DELETING = "DELETING"
    ERROR = "ERROR"


class NetworkState(StrEnum):
    """Life of a network, a port or a segment (5.16.1)."""

    CREATING = "CREATING"
    STARTING = "STARTING"
    STARTED = "STARTED"
    STOPPING = "STOPPING"
    STOPPED = "STOPPED"
    DELETING = "DELETING"
    ERROR = "ERROR"


class JobState(StrEnum):
    """Life of a job (5.17.1)."""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    STOPPING = "STOPPING"
    SUCCESS = "SUCCESS"
    FAILED = "FAILED"
    STOPPED = "STOPPED"

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen."""
        return self in {JobState.SUCCESS, JobState.FAILED, JobState.STOPPED}


class HostState(StrEnum):
    """Whether a hypervisor host takes machines."""

    ONLINE = "ONLINE"
    DRAINING = "DRAINING"
    MAINTENANCE = "MAINTENANCE"
    OFFLINE = "OFFLINE"


class Role(StrEnum):
    """What a user may do; an operator is not bound to a tenant."""

    OPERATOR = "operator"
    TENANT_ADMIN = "tenant-admin"
    MEMBER = "member"
    VIEWER = "viewer"

    def includes(self, other: "Role") -> bool:
        """Whether who has this role may do all that the other one may."""
        return _RANKS[self] <= _RANKS[other]


_RANKS = {role: rank for rank, role in enumerate(Role)}
"""The mightiest first."""
