"""What fails in one mailbox of many."""

import json

import pytest

from prober.detect.detector import Detector, Sample, What
from prober.detect.mixture import ratios
from prober.detect.parts import SHARE, Parts
from tests.detect.made import START, client_group, source

HEALTHY = 0.001


def run(parts: Parts, results: str, index: int = 0, at: float = 0.0) -> float:
    """Let one part fail (`x`) or succeed, every minute."""
    for one in results:
        failed = one == "x"
        parts.update(index, at, ratios(0.0, 0.0, HEALTHY, failed=failed)[1], HEALTHY, failed=failed)
        at += 60.0
    return at


def test_a_group_has_its_own_evidence_and_the_mean_of_its_parts() -> None:
    """Three quarters and one."""
    parts = Parts([60.0] * 4, HEALTHY)
    rest = parts.mixed(0.0)
    assert parts.mixed(8.0) == pytest.approx(6.0 + rest)
    run(parts, "..x.x")
    assert parts.mixed(0.0) > 10 * rest
    parts.reset(HEALTHY)
    assert parts.mixed(0.0) == pytest.approx(rest)
    assert 0 < SHARE < 0.5


def days_of_trouble(mailboxes: int, failing: int) -> float:
    """Return the evidence against a client after twenty minutes of half the attempts failing in some mailboxes."""
    keys = [f"imap4/{number}" for number in range(mailboxes)]
    detector = Detector({key: source(interval=60.0) for key in keys})
    at = START
    for minute in range(1500):
        for number, key in enumerate(keys):
            failed = minute >= 1480 and number < failing and minute % 2 == 0
            detector.observe(Sample(key, at, What.FAILED if failed else What.OK))
            at += 60.0 / mailboxes
    return client_group(detector).days


def test_one_bad_mailbox_among_twenty_is_found_as_if_it_were_alone() -> None:
    """But for the price of looking at each: not diluted to one in forty."""
    alone = days_of_trouble(1, 1)
    assert days_of_trouble(20, 1) > alone / 1000
    assert days_of_trouble(20, 1) > 1e4


def test_it_survives_a_restart_bit_by_bit() -> None:
    """And other mailboxes than before begin anew."""
    one, two, three = Parts([60.0] * 2, HEALTHY), Parts([60.0] * 2, HEALTHY), Parts([60.0] * 3, HEALTHY)
    at = run(one, "..x...", 1)
    state = json.loads(json.dumps(one.dump()))
    two.load(state, HEALTHY)
    for parts in (one, two):
        run(parts, ".x..", 0, at)
    assert two.dump() == one.dump()
    before = three.dump()
    three.load(state, HEALTHY)
    assert three.dump() == before
    with pytest.raises((ValueError, TypeError)):
        three.load([0, 1], HEALTHY)
