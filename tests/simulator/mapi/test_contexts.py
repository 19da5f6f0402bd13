"""Sessions and their two cookies."""

import pytest

from prober.simulator.mailbox import Mailbox
from prober.simulator.mapi.codes import Refused
from prober.simulator.mapi.contexts import KEPT, Context, Contexts


class Scene:
    """Contexts on a clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 0.0
        self.box = Mailbox("a@x.test", "ams1")
        self.contexts = Contexts(lambda: self.now)

    def open(self, owner: str = "alice") -> Context:
        return self.contexts.open(owner, "emsmdb", self.box)

    def code(self, cookies: dict[str, str], owner: str = "alice", endpoint: str = "emsmdb") -> int:
        """Return the code with which a request is refused, 0 for one that is not."""
        try:
            self.contexts.find(cookies, owner, endpoint)
        except Refused as refused:
            return refused.code
        return 0


def cookies(context: Context) -> dict[str, str]:
    """Return what a client makes of `Set-Cookie`."""
    pairs = (value.partition(";")[0].partition("=") for _, value in context.cookies)
    return {name: value for name, _, value in pairs}


def test_a_session_is_found_by_its_cookie() -> None:
    """Which a browser would send back to this endpoint alone, and over TLS."""
    scene = Scene()
    context = scene.open()
    assert context.cookies[0][1] == f"MapiContext={context.name}; path=/mapi/emsmdb; secure; HttpOnly"
    assert scene.contexts.find(cookies(context), "alice", "emsmdb") is context
    assert scene.contexts.peek(cookies(context)) is context
    assert scene.contexts.peek({}) is None


def test_each_way_of_having_no_session_has_its_code() -> None:
    """No cookie, a cookie that never was one of ours, one of nobody, somebody else's, the address book's."""
    scene = Scene()
    known = cookies(scene.open())
    assert scene.code({}) == 13
    assert scene.code({"MapiContext": "nonsense"}) == 6
    assert scene.code({"MapiContext": "A" * 32}) == 10
    assert scene.code(known, "bob") == 11
    assert scene.code(known, endpoint="nspi") == 10
    assert scene.code(known) == 0


def test_an_idle_session_is_forgotten_after_a_quarter_of_an_hour() -> None:
    """Not one that is used in between, nor one that waits for news."""
    scene = Scene()
    context = scene.open()
    scene.now = 900.0
    assert scene.code(cookies(context)) == 0
    context.waiting += 1
    scene.now = 5000.0
    assert scene.code(cookies(context)) == 0
    context.waiting -= 1
    scene.now = 5900.0
    assert scene.code(cookies(context)) == 0
    scene.now = 6800.1
    assert scene.code(cookies(context)) == 10
    other = scene.open()
    scene.now = 7600.0
    scene.contexts.touch(other)
    scene.now = 8400.0
    assert scene.code(cookies(other)) == 0


def test_a_session_begins_with_what_the_mailbox_holds() -> None:
    """That is no news; the address book has none."""
    scene = Scene()
    scene.box.deliver("old")
    assert scene.open().told == scene.box.sequence == 1
    assert scene.contexts.open("alice", "nspi").told == 0


def test_commands_come_one_after_the_other() -> None:
    """With the sequence cookie of the last one; an older one has lost its place."""
    scene = Scene()
    context = scene.open()
    first = cookies(context)
    scene.contexts.in_turn(context, first)
    assert scene.contexts.advance(context) == context.cookies
    with pytest.raises(Refused) as caught:
        scene.contexts.in_turn(context, first)
    assert caught.value.code == 15
    scene.contexts.in_turn(context, cookies(context))
    with pytest.raises(Refused) as missing:
        scene.contexts.in_turn(context, {"MapiContext": context.name})
    assert missing.value.code == 13


def test_a_new_session_ends_the_one_it_replaces() -> None:
    """Of the same client at the same endpoint, and nobody else's."""
    scene = Scene()
    first, others = scene.open(), scene.open("bob")
    scene.contexts.open("alice", "nspi", instead=first.name)
    scene.contexts.open("alice", "emsmdb", scene.box, instead=others.name)
    assert (scene.code(cookies(first)), scene.code(cookies(others), "bob")) == (0, 0)
    scene.contexts.open("alice", "emsmdb", scene.box, instead=first.name)
    assert scene.code(cookies(first)) == 10


def test_the_oldest_session_goes_when_there_are_too_many() -> None:
    """A client that never says good-bye fills nothing up."""
    scene = Scene()
    first = scene.open()
    for _ in range(KEPT):
        scene.open()
    assert scene.code(cookies(first)) == 10
