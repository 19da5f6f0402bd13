"""The rules that can wait for a minute."""

from pathlib import Path

import pytest

from prober.alerting.caretaking import caretaking, supplying
from tests.alerting.made import DEFAULT, accepted, written


@pytest.mark.real
def test_promtool_finds_them_right(tmp_path: Path) -> None:
    accepted(written(tmp_path, [supplying(DEFAULT), caretaking(DEFAULT)]))


def test_groups_have_names_of_their_own() -> None:
    names = [group.name for made in (supplying(DEFAULT), caretaking(DEFAULT)) for group in made.groups]
    assert len(names) == len(set(names)) == 4
