"""Names and passwords at the door."""

import asyncio
import base64
import gc
import threading

import bcrypt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prober.serving import users as module
from prober.serving.users import HASH as FORM
from prober.serving.users import NOBODY, CrowdedError, Users, credentials
from tests.serving.made import HASH, PASSWORD, basic


class Counted:
    """Counts how often a hash is computed, and of which hash."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.known: list[bytes] = []
        self._check = bcrypt.checkpw
        monkeypatch.setattr(bcrypt, "checkpw", self)

    def __call__(self, password: bytes, known: bytes) -> bool:
        self.known.append(known)
        return self._check(password, known)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counted:
    return Counted(monkeypatch)


async def test_the_right_password_comes_in_and_is_known_again(counted: Counted) -> None:
    """One hash, however often it is shown; a wrong one costs a hash each time."""
    users = Users({"alice": HASH})
    for _ in range(3):
        assert await users.admits(basic("alice", PASSWORD))
    assert len(counted.known) == 1
    for _ in range(2):
        assert not await users.admits(basic("alice", "wrong"))
    assert len(counted.known) == 3


async def test_an_unknown_user_costs_as_much_as_a_known_one(counted: Counted) -> None:
    """A hash of the same cost is computed: time tells nobody who exists."""
    users = Users({"alice": HASH})
    assert not await users.admits(basic("mallory", PASSWORD))
    (known,) = counted.known
    assert known[:7] == HASH[:7].encode() == b"$2b$04$"


async def test_an_unknown_user_is_refused_whatever_his_password(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also if somebody found one that goes with nobody's hash."""
    monkeypatch.setattr(bcrypt, "checkpw", lambda *_: True)
    assert not await Users({"alice": HASH}).admits(basic("mallory", PASSWORD))


def test_the_hash_of_nobody_is_one_and_belongs_to_no_password_in_use() -> None:
    """It must be computable, or unknown users would be told at once."""
    nobody = NOBODY.replace("{cost}", "04")
    assert FORM.fullmatch(nobody)
    assert not bcrypt.checkpw(b"", nobody.encode())


async def test_what_is_remembered_is_no_password_and_goes_with_the_users(counted: Counted) -> None:
    """Nowhere in the object; another set of users begins anew."""
    users = Users({"alice": HASH})
    assert await users.admits(basic("alice", PASSWORD))
    seen = [one for one in gc.get_objects() if one is users._right]
    assert seen
    assert PASSWORD.encode() not in b"".join(users._right) + users._key
    assert users._mark("alice", HASH, PASSWORD.encode()) != Users({})._mark("alice", HASH, PASSWORD.encode())


async def test_only_so_many_right_answers_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one seen longest ago goes first."""
    monkeypatch.setattr(module, "REMEMBERED", 2)
    monkeypatch.setattr(bcrypt, "checkpw", lambda *_: True)
    users = Users({"a": HASH, "b": HASH, "c": HASH})
    for name in "abac":
        assert await users.admits(basic(name, PASSWORD))
    assert list(users._right) == [users._mark(name, HASH, PASSWORD.encode()) for name in "ac"]


async def test_a_long_password_is_looked_at_as_far_as_bcrypt_does() -> None:
    """72 bytes, as Go's and everybody's bcrypt: more is no error."""
    long = "x" * 72
    users = Users({"alice": bcrypt.hashpw(long.encode(), bcrypt.gensalt(4)).decode()})
    assert await users.admits(basic("alice", long + "and more"))
    assert not await users.admits(basic("alice", "x" * 71))


async def test_too_many_at_once_are_turned_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """One is looked at at a time, a few wait, the next is one too many; and the loop goes on meanwhile."""
    monkeypatch.setattr(module, "WAITING", 2)
    go = threading.Event()
    monkeypatch.setattr(bcrypt, "checkpw", lambda *_: go.wait(20))
    users = Users({"alice": HASH})
    waiting = [asyncio.create_task(users.admits(basic("alice", str(n)))) for n in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(CrowdedError):
        await users.admits(basic("alice", "third"))
    go.set()
    assert await asyncio.gather(*waiting) == [True, True]


@pytest.mark.parametrize(
    "field",
    [
        "",
        "Basic",
        "Basic ***",
        "Bearer abc",
        "Basic " + base64.b64encode(b"alice").decode(),
        "Basic " + base64.b64encode(b"\xff\xfe:x").decode(),
        "Basic " + base64.b64encode(b"alice:a\0b").decode(),
        basic("alice", ""),
        basic("", PASSWORD),
    ],
)
async def test_whatever_else_is_shown_is_refused(field: str) -> None:
    assert not await Users({"alice": HASH}).admits(field)


@given(st.text(max_size=80))
def test_no_field_breaks_the_reading(text: str) -> None:
    """It comes from anybody."""
    name, password = credentials(text)
    assert name is None or isinstance(password, bytes)


@given(st.text(max_size=20).filter(lambda one: ":" not in one), st.text(max_size=20))
def test_a_pair_is_read_as_it_was_written(name: str, password: str) -> None:
    try:
        field = basic(name, password)
    except UnicodeEncodeError:
        return
    assert credentials(field) == (name, password.encode())
