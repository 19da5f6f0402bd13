"""A list written in pieces is the list as `json.dumps` writes it."""

import json
from itertools import islice, repeat

import pytest

from prober.detect.pieces import separated


@pytest.mark.parametrize("values", [[], [1.5], ["a", None, [1, {"b": "\u00e9, "}], 1e300, -0.0]])
def test_the_pieces_together_are_the_members(values: list[object]) -> None:
    assert f"[{''.join(separated(values))}]" == json.dumps(values)
    assert len(list(separated(values))) == len(values)


def test_nothing_is_asked_for_before_it_is_written() -> None:
    assert list(islice(separated(repeat(0)), 2)) == ["0", ", 0"]
