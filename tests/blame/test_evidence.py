"""What an attempt says."""

import pytest

from prober.blame.evidence import Colour, read
from prober.faults import taxonomy as kinds
from prober.faults.taxonomy import Kind, Reason
from prober.verdict import Judgement
from prober.vocabulary import Domain, Verdict
from tests.schedule.made import assignment, outcome

ONE = assignment()
BUSY = Kind("imap_busy", Reason.SERVER_BUSY)
POLICY = Kind("imap_policy", Reason.ACCESS_POLICY)


@pytest.mark.parametrize(
    ("verdict", "kind", "colour", "domain"),
    [
        (Verdict.OK, None, Colour.GREEN, None),
        (Verdict.SLOW, None, Colour.GREEN, None),
        (Verdict.FAILED, BUSY, Colour.RED, Domain.FRONTEND),
        (Verdict.FAILED, kinds.DNS_TIMEOUT, Colour.RED, Domain.DNS),
        (Verdict.EXCLUDED, POLICY, Colour.OURS, Domain.POLICY),
        (Verdict.EXCLUDED, kinds.PROXY_UNREACHABLE, Colour.OURS, Domain.PROXY),
        (Verdict.INCONCLUSIVE, kinds.DNS_TIMEOUT, Colour.OURS, Domain.PROBER),
        (Verdict.INCONCLUSIVE, kinds.LOOP_BLOCKED, Colour.OURS, Domain.PROBER),
    ],
)
def test_it_says_where_it_broke(verdict: Verdict, kind: Kind | None, colour: Colour, domain: Domain | None) -> None:
    """What does not count never speaks against the service."""
    judgement = Judgement(
        verdict, kind.reason if kind else None, kind.code if kind else "", kind.domain if kind else None
    )
    found = read(ONE, outcome(ONE, kind), judgement, 5.0)
    assert found is not None
    assert (found.colour, found.domain, found.at, found.target) == (colour, domain, 5.0, "hq")


def test_maintenance_what_is_withdrawn_and_a_limit_say_nothing() -> None:
    """There is nobody to blame for any of them."""
    maintained = Judgement(Verdict.EXCLUDED, Reason.PROBE_INTERNAL, kinds.MAINTENANCE.code)
    assert read(ONE, outcome(ONE, BUSY), maintained, 0.0) is None
    assert read(ONE, outcome(ONE, BUSY), Judgement(Verdict.RETIRED), 0.0) is None
    assert read(ONE, outcome(ONE, BUSY), Judgement(Verdict.THROTTLED, Reason.THROTTLED), 0.0) is None
