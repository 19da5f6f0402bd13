"""A token in a file that nobody else can read."""

import stat
from pathlib import Path

import pytest

from prober.enrolment.keeping import keep
from prober.secret import Secret


def test_a_token_is_its_owners_alone(tmp_path: Path) -> None:
    """Also where the file stood open before, and nothing else is left beside it."""
    file = tmp_path / "phone.token"
    keep(file, Secret("first"))
    file.chmod(0o644)
    keep(file, Secret("second"))
    assert file.read_text() == "second"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [one.name for one in tmp_path.iterdir()] == ["phone.token"]


def test_nobody_can_put_a_link_in_its_way(tmp_path: Path) -> None:
    """What is written before it takes its place goes to a new file alone."""
    elsewhere = tmp_path / "elsewhere"
    (tmp_path / ".phone.token.new").symlink_to(elsewhere)
    keep(tmp_path / "phone.token", Secret("t"))
    assert not elsewhere.exists()


def test_a_link_is_followed_and_stays(tmp_path: Path) -> None:
    """As where secrets are mounted."""
    (tmp_path / "real").mkdir()
    link = tmp_path / "phone.token"
    link.symlink_to(tmp_path / "real" / "token")
    keep(link, Secret("t"))
    assert link.is_symlink()
    assert (tmp_path / "real" / "token").read_text() == "t"


def test_a_directory_that_is_not_there_is_an_error_and_nothing_else(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        keep(tmp_path / "missing" / "token", Secret("t"))
