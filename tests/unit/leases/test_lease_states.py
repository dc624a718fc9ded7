from itertools import product

import pytest

from placement.leases import FINAL, TRANSITIONS, LeaseState, TransitionError
from placement.leases.states import check_transition

LINES = """
new: pending
pending: scheduled queued cancelled rejected rejected_by_user
queued: scheduled cancelled
scheduled: preparing ready queued pending cancelled failed
preparing: ready queued pending cancelled failed
ready: active queued pending cancelled failed
active: suspending ready queued done cancelled failed
suspending: suspended_pending cancelled failed
suspended_pending: suspended_queued suspended_scheduled cancelled failed
suspended_queued: suspended_scheduled cancelled failed
suspended_scheduled: suspended_queued suspended_pending migrating resuming cancelled failed
migrating: suspended_scheduled cancelled failed
resuming: resumed_ready cancelled failed
resumed_ready: active cancelled failed
"""
ALLOWED = {
    (LeaseState(first.strip()), LeaseState(following))
    for first, _, rest in (line.partition(":") for line in LINES.strip().splitlines())
    for following in rest.split()
}


@pytest.mark.parametrize(("present", "following"), list(product(LeaseState, LeaseState)))
def test_every_pair_of_states(present, following):
    if (present, following) in ALLOWED:
        check_transition("7", present, following)
    else:
        with pytest.raises(TransitionError, match="lease 7"):
            check_transition("7", present, following)


def test_final_states_lead_nowhere_and_all_states_are_in_the_table():
    assert set(TRANSITIONS) == set(LeaseState)
    assert {state.value for state in FINAL} == {"done", "cancelled", "rejected", "rejected_by_user", "failed"}
