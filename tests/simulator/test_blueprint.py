"""Tenants from files."""

import pytest

from prober.simulator.blueprint import read_blueprint
from prober.simulator.document import DocumentError
from prober.simulator.layout import default_layout

WHOLE = """\
domain: fabrikam.example
seed: 7
messages: 3
token_lifetime: 600
quotas: true
sites:
  - {name: ams1, region: eu, code: AMS}
  - {name: hq, region: eu, code: HQX, environment: exchange_server, front_ends: 1}
mailboxes:
  - {address: a@fabrikam.example, site: ams1}
  - {address: b@fabrikam.example, site: hq}
faults:
  - {client: imap4, step: list, pct: 20, kind: delay, seconds: 2}
"""


def test_a_whole_file_is_read() -> None:
    """Sites, mailboxes, quotas, and what goes wrong from the start."""
    plan = read_blueprint(WHOLE, "t.yml")
    assert (plan.layout.domain, plan.layout.seed, plan.layout.token_lifetime) == ("fabrikam.example", 7, 600)
    assert [site.environment for site in plan.layout.sites] == ["exchange_online", "exchange_server"]
    assert [place.site for place in plan.layout.mailboxes] == ["ams1", "hq"]
    assert plan.limits is not None
    assert plan.faults is not None
    assert [fault.pct for fault in plan.faults.faults] == [20]


def test_an_empty_file_is_the_tenant_without_one() -> None:
    """Everything has a default."""
    plan = read_blueprint("", "t.yml")
    assert plan.layout == default_layout()
    assert (plan.limits, plan.faults) == (None, None)


def test_sites_without_mailboxes_get_two_each() -> None:
    """In the file's own domain."""
    plan = read_blueprint("domain: x.example\nsites: [{name: s, region: eu, code: AMS}]", "t.yml")
    assert [place.address for place in plan.layout.mailboxes] == ["probe1@x.example", "probe2@x.example"]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("domian: x.example", "t.yml:1:1: domian: unknown key; did you mean 'domain'?"),
        ("sites: []", "t.yml:1:1: sites: list should have at least 1 item"),
        ("sites: [{name: S!, region: eu, code: AMS}]", "t.yml:1:10: sites[0].name: string should match pattern"),
        ("sites: [{name: s, regoin: eu, code: AMS}]", "sites[0].regoin: unknown key; did you mean 'region'?"),
        ("mailboxes: [{address: a@x.example, site: ams}]", "mailboxes[0].site: there is no site 'ams'; did you mean"),
        ("mailboxes: [{address: a@x.y, site: ams1}, {address: A@x.y, site: ams1}]", "mailboxes[1]: there is another"),
        ("faults: [{kind: dely}]", "t.yml:1:11: faults[0].kind: unknown kind 'dely'; did you mean 'delay'?"),
        ("[1]", "t.yml:1:1: expected a mapping"),
    ],
)
def test_a_mistake_is_a_line_with_its_place(text: str, line: str) -> None:
    """And what was meant."""
    with pytest.raises(DocumentError) as told:
        read_blueprint(text, "t.yml")
    assert any(line in problem for problem in told.value.problems), told.value.problems
