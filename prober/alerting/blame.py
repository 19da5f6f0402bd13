"""Whose fault it is: alerts on the narrowest domain that explains what is red.

Rule of this file: blame alone pages nobody, since one failed attempt is blamed on something, too. It pages where the
detector of the same prober and environment fires. A token service that has recovered still explains the alerts that
have not yet cleared, so its blame is remembered for a while.
"""

from prober.alerting.detector import EVIDENCE, FIRING, ON, WHERE
from prober.alerting.rule import Alert, Alerts, Case, Firing, Rule, fires, quiet, series

BLAME = "clientaccess_blame"
REMEMBERED = "15m"
NETWORK_DOMAINS = ("network", "dns", "tls", "proxy")
MAIL_DOMAINS = ("frontend", "mailbox", "protocol")
MATCH = f"on ({ON}, environment)"
FIRES = f'{FIRING}{{group_kind!~"push|throttled",environment!="independent"}}'

IDENTITY_BLAMED = f'max_over_time({BLAME}{{domain="identity"}}[{REMEMBERED}]) == 1'
MAIL_BLAMED = f'{BLAME}{{domain=~"{"|".join(MAIL_DOMAINS)}"}} == 1'
KEEP = "5m"
"""Longer than the alerts that it inhibits."""

ALONE = Alert(
    "ClientAccessIdentityDown",
    f"{IDENTITY_BLAMED}\n  and {MATCH} {FIRES}\n  unless {MATCH} {MAIL_BLAMED}",
    "page",
    "identity",
    "Signing in explains every failure in {environment}",
    "The token service or the sign-in in front of {environment} fails; every client that is red is red because of it. "
    "Alerts about the clients are inhibited meanwhile.",
    keep=KEEP,
    labels={"explains": "all"},
)
PARTLY = Alert(
    "ClientAccessIdentityDown",
    f"{IDENTITY_BLAMED}\n  and {MATCH} {FIRES}\n  and {MATCH} {MAIL_BLAMED}",
    "page",
    "identity",
    "Signing in fails in {environment}, and not that alone",
    "The token service or the sign-in in front of {environment} fails, and so does something behind it, about which "
    "there are alerts of their own.",
    keep=KEEP,
    labels={"explains": "part"},
)
NETWORK = Alert(
    "ClientAccessNetworkDown",
    f'{BLAME}{{domain=~"{"|".join(NETWORK_DOMAINS)}"}} == 1\n  and {MATCH} {FIRES}',
    "page",
    "network",
    "The way to {environment} is broken ({domain})",
    "What fails in {environment} fails before the service is reached: {domain}. The control is well, so it is not the "
    "whole way out of the prober.",
    keep="2m",
)
POLICY = Alert(
    "ClientAccessPolicyBlocks",
    f'{BLAME}{{domain="policy"}} == 1',
    "ticket",
    "identity",
    "A policy keeps the prober out of {environment}",
    "An access policy, a licence or a withdrawn way of signing in stops the prober's own accounts. It does not count "
    "as a failure, and may not concern anybody else.",
    hold="15m",
)
PROBER = Alert(
    "ClientAccessProberBlamed",
    f'{BLAME}{{domain="prober"}} == 1',
    "ticket",
    "prober",
    "The prober is at fault in {environment}",
    "What is red in {environment} is explained by the prober itself or by how it is set up.",
    hold="15m",
)
ALERTS: tuple[Rule, ...] = (ALONE, PARTLY, NETWORK, POLICY, PROBER)

HERE = {"environment": "exchange_online", **WHERE}
DETECTED = {"group_kind": "client", "group": "exchange_online/imap4", **WHERE}


def cases() -> tuple[Case, ...]:
    """Return the tests."""
    return (
        _identity(),
        _both(),
        _elsewhere(),
        _push(),
        *(_network(domain) for domain in NETWORK_DOMAINS),
        *(_ticket(alert, domain) for alert, domain in ((POLICY, "policy"), (PROBER, "prober"))),
    )


def _blamed(domain: str, environment: str = "exchange_online") -> dict[str, str]:
    return {"environment": environment, "domain": domain, **WHERE}


def _identity() -> Case:
    return Case(
        "identity: not without the detector, then at once, and for as long as what it caused has not cleared",
        {
            series(BLAME, **_blamed("identity")): "0x10 1x30 0x60",
            series(BLAME, **_blamed("frontend")): "0x100",
            series(EVIDENCE, **DETECTED): "0.9x20 2x28 0x60",
        },
        (
            quiet("20m", ALONE),
            fires("21m", ALONE, _blamed("identity")),
            fires("48m", ALONE, _blamed("identity")),
            quiet("56m", ALONE),
        ),
    )


def _both() -> Case:
    return Case(
        "identity explains only a part while something behind it is blamed, too; once forgotten it explains nothing",
        {
            series(BLAME, **_blamed("identity")): "1x30 0x60",
            series(BLAME, **_blamed("mailbox")): "0x10 1x80",
            series(EVIDENCE, **DETECTED): "2x90",
        },
        (
            fires("10m", ALONE, _blamed("identity")),
            Alerts("20m", PARTLY.name, (Firing(PARTLY, _blamed("identity")),)),
            quiet("52m", PARTLY),
        ),
    )


def _elsewhere() -> Case:
    here, there = _blamed("identity"), _blamed("identity") | {"instance": "b:10143"}
    server = _blamed("identity", "exchange_server")
    return Case(
        "one environment never blames another, nor one prober another",
        {series(BLAME, **one): f"{int(one is not here)}x60" for one in (here, there, server)}
        | {series(EVIDENCE, **DETECTED): "2x60"},
        (quiet("30m", ALONE),),
    )


def _push() -> Case:
    pushed = {"group_kind": "push", "group": "exchange_online/imap4", **WHERE}
    return Case(
        "push channels alone page nobody by way of blame",
        {series(BLAME, **_blamed("identity")): "1x30", series(EVIDENCE, **pushed): "2x30"},
        (quiet("20m", ALONE),),
    )


def _network(domain: str) -> Case:
    return Case(
        f"network: {domain} pages while the detector fires, and only then",
        {
            series(BLAME, **_blamed(domain)): "1x60 0x60",
            series(EVIDENCE, **DETECTED): "0.9x20 2x90",
        },
        (quiet("20m", NETWORK), fires("22m", NETWORK, _blamed(domain)), quiet("64m", NETWORK)),
    )


def _ticket(alert: Alert, domain: str) -> Case:
    return Case(
        f"{domain}: a ticket after a quarter of an hour",
        {series(BLAME, **_blamed(domain)): "0x9 1x30 0x60"},
        (quiet("24m", alert), fires("26m", alert, _blamed(domain)), quiet("42m", alert)),
    )
