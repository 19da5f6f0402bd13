"""Delta tokens."""

import base64
import json

import pytest

from prober.simulator.graph.errors import GraphError
from prober.simulator.graph.tokens import State, SyncStates
from tests.simulator.graph.desk import Desk

STATE = State(1, 17, True, "id,subject", "receivedDateTime ge 2026-03-15T00:00:00Z")


def test_a_token_gives_back_its_state(desk: Desk) -> None:
    """And needs no escaping in a link."""
    states = SyncStates()
    token = states.write(desk.alice, STATE)
    assert states.read(desk.alice, token) == STATE
    assert token.replace("-", "").replace("_", "").isalnum()
    assert states.peek(token) is True
    assert states.peek(states.write(desk.alice, State(1))) is False


@pytest.mark.parametrize("token", ["", "x", "!!!!", "AAAA" * 20, "é", "AAAAA"])
def test_what_is_no_token_is_a_lost_state(desk: Desk, token: str) -> None:
    """Nobody else's words are taken for our own."""
    states = SyncStates()
    with pytest.raises(GraphError) as caught:
        states.read(desk.alice, token)
    assert (caught.value.status, caught.value.code) == (410, "SyncStateNotFound")
    assert states.peek(token) is True


def test_a_token_is_for_one_mailbox_and_cannot_be_changed(desk: Desk) -> None:
    """Nor made up by somebody who has seen another."""
    states = SyncStates()
    token = states.write(desk.alice, STATE)
    whole = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    said = json.loads(whole[12:])
    said[1] = 99
    forged = base64.urlsafe_b64encode(whole[:12] + json.dumps(said, separators=(",", ":")).encode()).decode()
    for box, text in ((desk.bob, token), (desk.alice, forged)):
        with pytest.raises(GraphError):
            states.read(box, text)


def test_a_new_generation_forgets_all_tokens(desk: Desk) -> None:
    """As the service does from time to time."""
    states = SyncStates()
    token = states.write(desk.alice, STATE)
    states.forget()
    with pytest.raises(GraphError, match="generation=2"):
        states.read(desk.alice, token)
