"""The life of a machine as a table: what can be asked in which state, what it is meanwhile, and who may ask."""

from dataclasses import dataclass

from sirocco.contracts import capabilities as cap
from sirocco.contracts.states import MachineState as S
from sirocco.contracts.states import Role

SETTLED = frozenset({S.STARTED, S.STOPPED, S.PAUSED, S.SUSPENDED})


@dataclass(frozen=True, slots=True)
class Transition:
    """An action: from which states, the state meanwhile (none = unchanged), the state after (none = as before)."""

    action: str
    before: frozenset[S]
    during: S | None = None
    after: S | None = None
    needs: str = ""
    role: Role = Role.MEMBER


def _table(*rows: Transition) -> dict[str, Transition]:
    return {row.action: row for row in rows}


TRANSITIONS = _table(
    Transition("start", frozenset({S.STOPPED, S.PAUSED, S.SUSPENDED}), S.STARTING, S.STARTED),
    Transition("stop", frozenset({S.STARTED, S.PAUSED, S.SUSPENDED, S.STOPPING}), S.STOPPING, S.STOPPED),
    Transition("restart", frozenset({S.STARTED, S.STOPPED}), S.STARTING, S.STARTED, cap.RESTART),
    Transition("pause", frozenset({S.STARTED}), S.PAUSING, S.PAUSED, cap.PAUSE),
    Transition("suspend", frozenset({S.STARTED, S.PAUSED}), S.SUSPENDING, S.SUSPENDED, cap.SUSPEND),
    Transition("snapshot", frozenset({S.STARTED, S.STOPPED, S.PAUSED}), S.CAPTURING, None, cap.SNAPSHOT),
    Transition("restore", frozenset({S.STARTED, S.STOPPED, S.PAUSED}), S.RESTORING, None, cap.RESTORE),
    Transition("capture", frozenset({S.STARTED, S.STOPPED}), S.CAPTURING, None, cap.CAPTURE),
    Transition("resize", frozenset({S.STARTED, S.STOPPED}), None, None, cap.RESIZE),
    Transition("attach-volume", frozenset({S.STARTED, S.STOPPED}), None, None, cap.VOLUME),
    Transition("detach-volume", frozenset({S.STARTED, S.STOPPED}), None, None, cap.VOLUME),
    Transition("attach-nic", frozenset({S.STARTED, S.STOPPED}), None, None, cap.NIC_HOTPLUG),
    Transition("detach-nic", frozenset({S.STARTED, S.STOPPED}), None, None, cap.NIC_HOTPLUG),
    Transition("migrate", frozenset({S.STARTED, S.PAUSED, S.STOPPED}), None, None, cap.MIGRATE, Role.OPERATOR),
    Transition("delete", SETTLED | {S.ERROR}, S.DELETING, None),
)


def fitting(action: str, state: S) -> bool:
    """Whether ``action`` may be asked of a machine in ``state``."""
    return state in TRANSITIONS[action].before
