"""The group by which somebody is called at once."""

from pathlib import Path

import pytest

from prober.alerting.deciding import EVALUATED, bundle
from prober.alerting.rule import Alert
from tests.alerting.made import DEFAULT, accepted, written


def test_what_inhibits_is_evaluated_before_what_is_inhibited() -> None:
    """In one group, and often: a page must not leave before its inhibition."""
    (group,) = bundle(DEFAULT).groups
    names = [rule.name for rule in group.rules if isinstance(rule, Alert)]
    order = ["ClientAccessProberSick", "ClientAccessIdentityDown", "ClientAccessFailing"]
    assert sorted(order, key=names.index) == order
    assert group.interval == EVALUATED == "15s"


def test_what_inhibits_lasts_longer_than_what_is_inhibited() -> None:
    """Minutes for which each goes on firing."""
    keep = {alert.name: int(alert.keep.removesuffix("m") or 0) for alert in bundle(DEFAULT).alerts if alert.keep}
    assert min(keep["ClientAccessIdentityDown"], keep["ClientAccessProberSick"]) > keep["ClientAccessFailing"]


def test_detector_pages_wait_for_nothing() -> None:
    """The evidence is sequential: `for` would add nothing but delay."""
    pages = [alert for alert in bundle(DEFAULT).alerts if alert.severity == "page"]
    assert len(pages) > 4
    assert {alert.hold for alert in pages} == {""}


@pytest.mark.real
def test_promtool_finds_it_right(tmp_path: Path) -> None:
    accepted(written(tmp_path, [bundle(DEFAULT)]))
