"""Of what servers tell in headers, only what may be kept is kept."""

import pytest

from prober.exchange import Headers
from prober.protocols.http.diagnostics import category, diagnostic, evidence, identity, region

TALKATIVE = Headers(
    [
        ("request-id", "0f9c2f5e-0000-4b1c-9b2f-3e2d1c0b9a88"),
        ("X-FEServer", "HE1PR0301CA0012"),
        ("X-CalculatedBETarget", "HE1PR08MB1234.eurprd08.prod.outlook.com"),
        ("X-BEServer", "HE1PR08MB1234"),
        ("X-DiagInfo", "HE1PR08MB1234"),
        ("X-BackEndHttpStatus", "503"),
        ("X-CasErrorCode", "ServerNotFound"),
        (
            "X-AutoDiscovery-Error",
            "LiveIdBasicAuth:AppPasswordRequired:<X-forwarded-for:192.0.2.1><UserType:canary@example.test>",
        ),
        ("Set-Cookie", "canary=1"),
        ("x-ms-diagnostics", '2000003;reason="canary text for alice@example.test";error_category="invalid_resource"'),
    ]
)


def test_only_listed_headers_are_kept() -> None:
    """No name of a server, no address, no free text."""
    kept = evidence(TALKATIVE)
    assert kept == {
        "request_id": "0f9c2f5e-0000-4b1c-9b2f-3e2d1c0b9a88",
        "error": "ServerNotFound",
        "answered": "503",
        "site": "eurprd08",
        "code": "2000003",
    }


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ([("x-ms-request-id", "b"), ("request-id", "a")], "a"),
        ([("request-id", "not an id"), ("x-ms-request-id", "b")], "b"),
        ([("request-id", " a , c")], "a"),
        ([("client-request-id", "ours")], None),
    ],
)
def test_who_answered_and_the_evidence_of_a_failure_name_the_same_request(
    fields: list[tuple[str, str]], expected: str | None
) -> None:
    headers = Headers(fields)
    assert identity(headers).get("request_id") == evidence(headers).get("request_id") == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ([("X-FEEFZInfo", "phx"), ("X-FEServer", "HE1PR03CA0012")], "PHX"),
        ([("X-FirstHopCafeEFZ", "CDG")], "CDG"),
        ([("X-CalculatedBETarget", "am0pr02mb999.eurprd02.prod.outlook.com")], "eurprd02"),
        ([("X-FEServer", "HE1PR0301CA0012")], "HE"),
        ([("X-FEServer", "MAIL")], ""),
        ([("X-FEEFZInfo", "not a site")], ""),
        ([], ""),
    ],
)
def test_the_region_takes_as_few_letters_as_tell_it(fields: list[tuple[str, str]], expected: str) -> None:
    """The edge's site before the forest before the front end."""
    assert region(Headers(fields)) == expected


@pytest.mark.parametrize(
    ("value", "number", "named"),
    [
        ('2000003;reason="x";error_category="invalid_resource"', "2000003", "invalid_resource"),
        ("2000001; reason=x", "2000001", ""),
        ("", "", ""),
        ("no number;", "", ""),
    ],
)
def test_the_number_and_category_of_oauth_failures_are_read(value: str, number: str, named: str) -> None:
    """Numbers classify; words may change."""
    headers = Headers([("x-ms-diagnostics", value)])
    assert (diagnostic(headers), category(headers)) == (number, named)


@pytest.mark.parametrize("value", ["canary@example.test", "a b", "<x>", "x" * 65 + "-"])
def test_an_id_that_is_none_is_dropped(value: str) -> None:
    """A header may hold anything."""
    assert evidence(Headers([("request-id", value)])) == {}


def test_who_answered_is_told_without_a_name() -> None:
    """Where the servers stand, and a mark by which another one shows; `b2sum -l 32` gives the mark."""
    graph = ("x-ms-ags-diagnostic", '{"ServerInfo":{"DataCenter":"West Europe","Slice":"E","RoleInstance":"canary"}}')
    told = identity(Headers([*TALKATIVE, ("X-FEEFZInfo", "hel"), graph]))
    assert told == {
        "request_id": "0f9c2f5e-0000-4b1c-9b2f-3e2d1c0b9a88",
        "site": "HEL",
        "edge": "HEL",
        "front_end": "HE",
        "back_end": "eurprd08",
        "data_center": "West Europe",
        "served_by": "0d84779e",
    }
    assert identity(Headers([("X-TargetBEServer", "EX01.corp.example")])).keys() == {"served_by"}
    assert identity(Headers([("X-FEServer", "canary@example.test"), ("X-FEEFZInfo", "no")])) == {}
