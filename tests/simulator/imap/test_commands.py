"""The table of commands."""

import pytest

from prober.simulator.imap.commands import COMMANDS, UNKNOWN, State, read_command, taken
from prober.simulator.imap.scanner import BadSyntax
from prober.simulator.imap.session import Session
from tests.simulator.imap.desk import alice, at, inbox


def test_every_step_of_an_imap_client_is_some_commands() -> None:
    """All but those the connection itself has: greeting, login and IDLE."""
    steps = {step for entry in COMMANDS.values() for step in (entry.before, entry.after)} - {""}
    assert steps == {
        *("capability", "id", "reach_logout", "capability_auth", "namespace", "list", "select_inbox"),
        *("fetch_headers", "canary", "noop", "logout"),
    }


def test_a_command_is_read_in_any_case() -> None:
    command, entry = read_command(b"A1 uid Fetch 1 (FLAGS)")
    assert (command.tag, command.name, command.by_uid) == ("A1", "FETCH", True)
    assert entry is COMMANDS["UID FETCH"]


@pytest.mark.parametrize("line", [b"a1 FROB", b"a1 UID", b"a1 UID LOGOUT"])
def test_an_unknown_command_keeps_its_tag(line: bytes) -> None:
    command, entry = read_command(line)
    assert command.tag == "a1"
    assert entry is UNKNOWN


@pytest.mark.parametrize("line", [b"", b"a1", b"a1 ", b"+ NOOP", b"\x16\x03\x01", b"GET", b"a{1 NOOP", b"\xff NOOP"])
def test_a_line_without_tag_and_name_is_bad(line: bytes) -> None:
    with pytest.raises(BadSyntax):
        read_command(line)


@pytest.mark.parametrize(
    ("session", "states"),
    [
        (Session(), {State.ANY}),
        (at(alice()), {State.ANY, State.MAILBOX}),
        (inbox(), {State.ANY, State.MAILBOX, State.FOLDER}),
    ],
)
def test_each_state_takes_its_commands(session: Session, states: set[State]) -> None:
    assert {state for state in State if taken(session, state)} == states
