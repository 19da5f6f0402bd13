"""What is withdrawn, as data."""

from datetime import UTC, datetime, timedelta

import pytest

from prober.faults.retirements import RETIREMENTS, Retirement, explanation
from prober.vocabulary import Environment

ONLINE, SERVER = Environment.EXCHANGE_ONLINE, Environment.EXCHANGE_SERVER


@pytest.mark.parametrize("retirement", RETIREMENTS.values(), ids=lambda one: one.name)
def test_a_refusal_is_a_retirement_from_its_day_on(retirement: Retirement) -> None:
    """Neither before, nor on servers of one's own, which nobody withdraws anything from."""
    (code,) = retirement.codes
    since = retirement.refused_since
    assert explanation(code, ONLINE, since) is retirement
    assert explanation(code, ONLINE, since - timedelta(seconds=1)) is None
    assert explanation(code, SERVER, since) is None


def test_other_faults_are_none() -> None:
    assert explanation("http_503", ONLINE, datetime(2030, 1, 1, tzinfo=UTC)) is None


def test_what_is_announced_to_go_goes_after_it_is_refused() -> None:
    assert all(one.gone_by is None or one.gone_by > one.refused_since for one in RETIREMENTS.values())
    assert all(name == one.name and one.source for name, one in RETIREMENTS.items())
