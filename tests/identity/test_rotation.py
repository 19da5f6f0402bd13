"""The newest refresh token is kept wherever it can be, and a new seed wins."""

import os
import stat
from pathlib import Path

import pytest

from prober.faults import taxonomy as kinds
from prober.faults.taxonomy import FaultError
from prober.identity.rotation import RotatingToken, write_whole
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


# -- any secret, written whole ---------------------------------------------------------------------------------------


def test_a_token_is_its_owners_alone(tmp_path: Path) -> None:
    """Also where the file stood open before, and nothing else is left beside it."""
    file = tmp_path / "phone.token"
    write_whole(file, Secret("first"), 0o600)
    file.chmod(0o644)
    write_whole(file, Secret("second"), 0o600)
    assert file.read_text() == "second"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [one.name for one in tmp_path.iterdir()] == ["phone.token"]


def test_nobody_can_put_a_link_in_its_way(tmp_path: Path) -> None:
    """What is written before it takes its place goes to a new file alone."""
    elsewhere = tmp_path / "elsewhere"
    (tmp_path / ".phone.token.new").symlink_to(elsewhere)
    write_whole(tmp_path / "phone.token", Secret("t"), 0o600)
    assert not elsewhere.exists()


def test_a_link_is_followed_and_stays(tmp_path: Path) -> None:
    """As where secrets are mounted."""
    (tmp_path / "real").mkdir()
    link = tmp_path / "phone.token"
    link.symlink_to(tmp_path / "real" / "token")
    write_whole(link, Secret("t"), 0o600)
    assert link.is_symlink()
    assert (tmp_path / "real" / "token").read_text() == "t"


def test_a_directory_that_is_not_there_is_an_error_and_nothing_else(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        write_whole(tmp_path / "missing" / "token", Secret("t"), 0o600)
