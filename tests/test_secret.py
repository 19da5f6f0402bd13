"""A secret does not print itself, whichever way it is asked."""

import copy
import json
import os
import pickle
import time
import traceback
from pathlib import Path

import pytest

from prober import secret
from prober.secret import SETTLED, CurrentSecret, Secret, SecretSource, SecretUnreadableError

CANARY = "canary-51c4"


def test_no_way_of_printing_gives_the_text() -> None:
    secret = Secret(CANARY)
    ways = [
        repr(secret),
        str(secret),
        f"{secret}",
        f"{secret!r:>40}",
        f"{secret}",
        repr([secret]),
        repr({"a": secret}),
    ]
    assert not any(CANARY in way for way in ways)
    assert secret.reveal() == CANARY


def test_a_secret_cannot_be_stored_or_copied_away() -> None:
    for store in (pickle.dumps, json.dumps, copy.copy):
        with pytest.raises(TypeError):
            store(Secret(CANARY))


def test_a_traceback_does_not_hold_it() -> None:
    def broken(secret: Secret) -> None:
        raise RuntimeError(f"with {secret}")

    with pytest.raises(RuntimeError) as caught:
        broken(Secret(CANARY))
    assert CANARY not in "".join(traceback.format_exception(caught.value))


def test_equal_texts_are_equal_secrets() -> None:
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a")}) == 1
    assert not Secret("")


def test_a_file_is_read_anew_each_time_and_loses_one_newline(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("one\r\n")
    source = SecretSource(str(file))
    assert source.read() == Secret("one")
    file.write_text(" two \n\n")
    assert source.read() == Secret(" two \n")
    file.write_bytes(b"first\r\nsecond\rthird \xc3\xa4\r\n")
    assert source.read() == Secret("first\nsecond\nthird ä")


def test_a_variable_is_read_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROBER_TEST", CANARY)
    assert SecretSource(environment="PROBER_TEST").read() == Secret(CANARY)
    monkeypatch.delenv("PROBER_TEST")
    with pytest.raises(SecretUnreadableError, match="PROBER_TEST is not set"):
        SecretSource(environment="PROBER_TEST").read()


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_what_cannot_be_read_is_one_error_that_names_the_file(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SecretUnreadableError, match="cannot read secret"):
        SecretSource(str(file)).read()


def _later() -> int:
    """The time when a file written now has long been as it is."""
    return time.time_ns() + 2 * SETTLED


@pytest.fixture
def readings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Hold what files were read."""
    read, plain = [], secret._read_text

    def reading(file: str) -> str:
        read.append(file)
        return plain(file)

    monkeypatch.setattr(secret, "_read_text", reading)
    return read


def test_a_secret_in_use_is_read_again_only_when_its_file_has_changed(tmp_path: Path, readings: list[str]) -> None:
    """Written in place with as many letters, replaced by another that is as old, or gone."""
    file = tmp_path / "secret"
    file.write_text("one")
    current = CurrentSecret(SecretSource(str(file)), _later)
    assert [current.read(), current.read(), current.read()] == [Secret("one")] * 3
    assert len(readings) == 1
    file.write_text("two")
    os.utime(file, ns=(0, 0))
    assert [current.read(), current.read()] == [Secret("two")] * 2
    assert len(readings) == 2
    other = tmp_path / "other"
    other.write_text("six")
    os.utime(other, ns=(0, 0))
    other.replace(file)
    assert current.read() == Secret("six")
    file.unlink()
    with pytest.raises(SecretUnreadableError):
        current.read()
    file.write_text("ten")
    assert current.read() == Secret("ten")


def test_a_file_that_was_only_just_written_is_not_yet_relied_on(tmp_path: Path, readings: list[str]) -> None:
    """The next writing could leave it with the same time."""
    file = tmp_path / "secret"
    file.write_text("one")
    current = CurrentSecret(SecretSource(str(file)), lambda: file.stat().st_ctime_ns + SETTLED)
    assert [current.read(), current.read()] == [Secret("one")] * 2
    assert len(readings) == 2


def test_a_variable_in_use_is_read_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    current = CurrentSecret(SecretSource(environment="PROBER_TEST"), _later)
    for value in ("one", "two"):
        monkeypatch.setenv("PROBER_TEST", value)
        assert current.read() == Secret(value)
