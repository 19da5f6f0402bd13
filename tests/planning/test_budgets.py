"""Shares of budgets, by hand."""

import pytest

from prober.model import PushSettings
from prober.planning.budgets import Share, shares
from prober.planning.requests import cost
from tests.schedule.made import assignment

LIMITS = {
    "transactions_per_minute": 1.0,
    "open_connections": 3.0,
    "graph_requests_per_minute": 10.0,
    "tokens_per_hour": 1.0,
}


@pytest.mark.parametrize(("used", "mark"), [(0.8, ""), (0.81, "!"), (1.0, "!"), (1.01, "!!")])
def test_what_is_nearly_or_more_than_full_is_marked(used: float, mark: str) -> None:
    """From 80 % on, and beyond."""
    assert Share("x", used, 1.0).mark == mark


def test_the_fullest_member_is_shown() -> None:
    """Two Graph clients of one mailbox every two minutes: sixteen requests a minute; a held channel is a connection."""
    one = assignment(push=PushSettings(), interval=30.0)
    mobile = assignment(client="outlook_mobile", interval=120.0)
    mac = assignment(client="outlook_mac", interval=120.0)
    found = {share.name: share for share in shares(map(cost, (one, mobile, mac)), {"app": 24.0}, LIMITS)}
    assert found["transactions per client and minute"].used == 2.0
    assert found["open connections of a mailbox"].used == 2.0
    assert found["Graph requests of a mailbox and minute"].used == pytest.approx(16.0)
    assert found["Graph requests in ten minutes (published)"].used == pytest.approx(160.0)
    assert found["tokens of a credential, resource and hour"].used == 1.0
    assert all(share.used == 0.0 for share in shares((), {}, LIMITS))
