"""The gauge and the words."""

from prober.blame.blame import Blame
from prober.faults import taxonomy as kinds
from prober.observe.blame import BlameMetrics, BlamePanel
from prober.observe.metrics import Metrics
from prober.verdict import Judgement
from prober.vocabulary import Domain, Verdict
from tests.observe.made import ASSIGNMENT, CATALOGUE, outcome


def test_the_gauge_and_the_status_data_say_the_same() -> None:
    """One for the domain to blame and zero for all others; the page says why."""
    metrics = Metrics([ASSIGNMENT], CATALOGUE, vantage="fra1")
    blame = Blame([ASSIGNMENT], BlameMetrics(metrics), wall=lambda: 1_800_000_000.0)
    panel = BlamePanel(blame)
    assert panel.page() == ""
    kind = kinds.DNS_TIMEOUT
    for _ in range(2):
        blame(ASSIGNMENT, outcome(kind), Judgement(Verdict.FAILED, kind.reason, kind.code, kind.domain))
    shown = {
        domain: metrics.registry.get_sample_value(
            "clientaccess_blame", {"environment": "exchange_server", "domain": domain.value}
        )
        for domain in Domain
    }
    assert shown == {domain: 1.0 if domain is Domain.DNS else 0.0 for domain in Domain}
    (found,) = panel.data()
    assert (found["environment"], found["domain"]) == ("exchange_server", "dns")
    assert found["because"] in panel.page()
    assert (panel.name, panel.routes) == ("blame", ())
