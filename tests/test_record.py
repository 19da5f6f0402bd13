"""Records that are frozen for mypy alone: in everything else they are as frozen dataclasses are."""

import pickle
from dataclasses import field, replace

import pytest

from prober.record import record


@record
class Pair:
    left: int
    right: str = field(default="", repr=False)


def test_records_are_values() -> None:
    """Compared, hashed, copied with a change and sent to another process, as frozen ones are."""
    one = Pair(1, "a")
    assert one == Pair(1, right="a") != Pair(2, "a")
    assert hash(one) == hash(Pair(1, "a"))
    assert replace(one, left=2) == Pair(2, "a")
    assert pickle.loads(pickle.dumps(one)) == one
    assert repr(one) == "Pair(left=1)"


def test_a_record_has_no_other_fields() -> None:
    with pytest.raises(AttributeError):
        Pair(1).middle = 2  # type: ignore[attr-defined]  # mypy refuses it, too


def test_mypy_keeps_everybody_from_changing_one() -> None:
    """Strict mypy refuses a `type: ignore` that nothing needs: so the next line holds that it would refuse this."""
    one = Pair(1)
    one.left = 2  # type: ignore[misc]  # what the test is about
    assert one.left == 2, "nothing is spent on it at run time"
