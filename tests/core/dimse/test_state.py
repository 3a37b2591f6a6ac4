"""PS3.8 Table 9-10: complete, the same as pynetdicom's, and never without an end."""

import pytest
from pynetdicom.fsm import ACTIONS, TRANSITION_TABLE

from adit.dimse.state import NEXT, TRANSITIONS, Event, State, collision_state, event_of


def test_the_table_is_the_same_as_pynetdicoms() -> None:
    ours = {(f"Evt{event}", f"Sta{state}"): action.name for (event, state), (action, _) in TRANSITIONS.items()}
    assert ours == TRANSITION_TABLE


def test_every_action_leads_where_pynetdicoms_does() -> None:
    theirs = {name: next_ if isinstance(next_, str) else next_[0] for name, (_, _, next_) in ACTIONS.items()}
    assert {action.name: f"Sta{state}" for action, state in NEXT.items()} == theirs


def test_every_state_that_has_a_connection_knows_what_to_do_with_every_pdu() -> None:
    received = [event_of(kind) for kind in range(1, 9)]
    connected = set(State) - {State.STA1, State.STA4}
    assert {(event, state) for event in received for state in connected} <= TRANSITIONS.keys()


def test_every_state_but_idle_ends_when_the_connection_is_closed() -> None:
    ends = {
        state for state in State if TRANSITIONS.get((Event.CONNECTION_CLOSED, state), (None, None))[1] == State.STA1
    }
    assert ends == set(State) - {State.STA1}


@pytest.mark.parametrize("kind", [0, 8, 255])
def test_a_type_that_does_not_exist_is_an_invalid_pdu(kind: int) -> None:
    assert event_of(kind) is Event.INVALID_PDU


def test_a_release_collision_is_told_apart_by_who_asked_for_the_association() -> None:
    assert (collision_state(requestor=True), collision_state(requestor=False)) == (State.STA9, State.STA10)
