"""Which service a request is for."""

import pytest

from prober.simulator.routing import name_of


@pytest.mark.parametrize(
    ("host", "path", "service"),
    [
        ("login.contoso.example", "/common/oauth2/v2.0/token", "login"),
        ("signin.contoso.example", "/", "login"),
        ("office.contoso.example", "/", "portal"),
        ("copilot.contoso.example", "/chat", "portal"),
        ("activesync.ams1.contoso.example", "/microsoft-server-activesync", "activesync"),
        ("activesync.ams1.contoso.example", "/autodiscover/autodiscover.json", "autodiscover"),
        ("mail.hq.corp.example", "/microsoft-server-activesync/healthcheck.htm", "health"),
        ("mail.hq.corp.example", "/owa/healthcheck.htm", "health"),
        ("mail.hq.corp.example", "/ews/exchange.asmx", "ews"),
        ("mail.hq.corp.example", "/mapi/emsmdb/", "mapi"),
        ("outlook-mobile.ams1.contoso.example", "/v1.0/me", "graph"),
        ("owa.ams1.contoso.example", "/mail/", "owa"),
        ("www.contoso.example", "/", "site"),
        ("owa.ams1.contoso.example", "/nothing", ""),
    ],
)
def test_host_and_path_name_a_service(host: str, path: str, service: str) -> None:
    """A host with one purpose first, then the path."""
    assert name_of(host, path) == service
