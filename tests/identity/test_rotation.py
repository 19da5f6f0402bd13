"""The newest refresh token is kept wherever it can be, and a new seed wins."""

import os
from pathlib import Path

import pytest

from prober.faults import taxonomy as kinds
from prober.faults.taxonomy import FaultError
from prober.identity.rotation import RotatingToken
from prober.secret import Secret


@pytest.fixture
def seed(tmp_path: Path) -> Path:
    file = tmp_path / "token"
    file.write_text("seed\n")
    file.chmod(0o640)
    return file


def test_a_rotated_token_replaces_the_old_one_in_its_file(seed: Path) -> None:
    memory: dict[str, str] = {}
    token = RotatingToken("phone", str(seed), memory)
    token.rotate(Secret("next"))
    assert seed.read_text() == "next"
    assert seed.stat().st_mode & 0o777 == 0o640
    assert token.current() == Secret("next")
    assert memory == {}
    assert [path.name for path in seed.parent.iterdir()] == ["token"]


def test_where_the_file_is_read_only_it_is_kept_in_the_state(seed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    memory: dict[str, str] = {}
    RotatingToken("phone", str(seed), memory).rotate(Secret("next"))
    assert seed.read_text() == "seed\n"
    assert RotatingToken("phone", str(seed), memory).current() == Secret("next")
    assert RotatingToken("other", str(seed), memory).current() == Secret("seed")


def test_a_new_seed_wins_over_what_was_rotated_from_the_old_one(seed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    token = RotatingToken("phone", str(seed), {})
    token.rotate(Secret("next"))
    seed.write_text("new seed")
    assert token.current() == Secret("new seed")


def test_the_same_token_again_writes_nothing(seed: Path) -> None:
    before = seed.stat().st_mtime_ns
    RotatingToken("phone", str(seed), {}).rotate(Secret("seed"))
    assert seed.stat().st_mtime_ns == before


def test_a_link_to_a_secret_stays_a_link(seed: Path) -> None:
    link = seed.with_name("link")
    link.symlink_to(seed)
    RotatingToken("phone", str(link), {}).rotate(Secret("next"))
    assert link.is_symlink()
    assert seed.read_text() == "next"


@pytest.mark.parametrize("text", [None, ""])
def test_no_token_is_our_own_fault(tmp_path: Path, text: str | None) -> None:
    file = tmp_path / "none"
    if text is not None:
        file.write_text(text)
    with pytest.raises(FaultError) as caught:
        RotatingToken("phone", str(file), {}).current()
    assert caught.value.fault.kind is kinds.SECRET_UNREADABLE
