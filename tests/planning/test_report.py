"""The plan as people read it."""

from prober.detect.group import GroupKind
from prober.detect.groups import Planned
from prober.planning.budgets import Share
from prober.planning.detection import Expected
from prober.planning.report import assumed, report
from prober.planning.requests import cost
from tests.schedule.made import assignment

SLOW = Expected(Planned(GroupKind.CLIENT, "exchange_online/owa", 60.0, 0.5), (2500.0, 150.0, 5.04))

CELL = Expected(Planned(GroupKind.CELL, "exchange_online/owa@fra1/eu", 60.0, 0.5), (12.0, 3.0, 1.0), of=3)


def test_it_says_whether_second_looks_are_taken() -> None:
    """They cost something, and they find things sooner."""
    assert "with second looks" in assumed(second_looks=True)
    assert "a tenth" in assumed(second_looks=True)
    assert "without second looks" in assumed(second_looks=False)
    assert "a tenth" not in assumed(second_looks=False)


def test_it_is_short_and_aligned() -> None:
    """Every table has its head; a mean that is only a lower limit says so; what is assumed stands at the end."""
    text = report(
        [cost(assignment())], {"app": 24.0}, [Share("budget of ours", 2.0, 1.0)], [SLOW, CELL], 1705, second_looks=True
    )
    lines = text.splitlines()
    assert lines[:2] == ["client  target  every  requests per day", "imap4   hq      60 s   18,720"]
    assert "app         24" in lines
    assert "budget of ours  2     1      200%   !!" in lines
    assert "exchange_online/owa                         > 41.7 h  2.5 h     5.0 min" in lines
    assert any(line.startswith("exchange_online/owa@fra1/eu (slowest of 3)  12.0 min") for line in lines)
    assert lines[-2:] == ["series: 1,705", assumed(second_looks=True)]
    assert not any(line.endswith(" ") for line in lines)
