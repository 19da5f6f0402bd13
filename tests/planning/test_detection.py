"""The time to find a loss, against the detector itself."""

from random import Random

import pytest

from prober.detect.detector import Detector, Policy, Sample, What
from prober.detect.group import GroupKind
from prober.detect.groups import planned
from prober.planning.detection import attempts_to_page, expected
from tests.detect.made import START, client_group, source

SOURCES = {"imap4/one": source(interval=60.0)}


def test_it_agrees_with_the_detector() -> None:
    """Sixty runs of the whole detector, one client, a fifth of its attempts lost: within 15 %."""
    (mine,) = (one for one in expected(planned(SOURCES), 30.0) if one.group.kind is GroupKind.CLIENT)
    chance, total = Random(5), 0.0
    for _ in range(60):
        detector = Detector(SOURCES, Policy(learning=0.0))
        at, count = START, 0
        while not client_group(detector).firing:
            detector.observe(Sample("imap4/one", at, What.FAILED if chance.random() < 0.2 else What.OK))
            at += 60.0
            count += 1
        total += count - 0.5
    assert mine.minutes[1] == pytest.approx(total / 60, rel=0.15)


def test_a_greater_loss_is_found_sooner_and_a_tighter_budget_later() -> None:
    """And the same plan gives the same minutes."""
    (found,) = (one for one in expected(planned(SOURCES), 30.0) if one.group.kind is GroupKind.CLIENT)
    assert found.minutes[0] > found.minutes[1] > found.minutes[2] > 0
    (sure,) = (one for one in expected(planned(SOURCES), 30.0, guaranteed=True) if one.group.kind is GroupKind.CLIENT)
    assert sure.minutes[0] > found.minutes[0]
    before = expected(planned(SOURCES), 30.0)
    attempts_to_page.cache_clear()
    assert expected(planned(SOURCES), 30.0) == before
