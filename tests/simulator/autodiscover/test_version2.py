"""The JSON dialect: URLs, redirects and errors in the words of the cloud."""

import json

import pytest

from prober.simulator.autodiscover import version2
from prober.simulator.http.message import Reply
from tests.simulator.autodiscover.desk import ALICE, BOB, HOME, ask, premises

JSON = "/autodiscover/autodiscover.json"


def answered(target: str, site: str = "ams1", method: str = "GET") -> Reply:
    return version2.answer(premises(), ask(target, site=site, method=method))


def content(reply: Reply) -> dict[str, str]:
    assert isinstance(reply.body, bytes)
    found: dict[str, str] = json.loads(reply.body)
    return found


@pytest.mark.parametrize(
    "target",
    [
        f"{JSON}?Email={BOB}&Protocol=ActiveSync&RedirectCount=3",
        f"{JSON}?Protocol=activesync&Email={BOB}",
        f"/AutoDiscover/AutoDiscover.json/v1.0/{BOB}?Protocol=ActiveSync",
    ],
)
def test_the_address_is_in_the_query_or_in_the_path_as_phones_have_it(target: str) -> None:
    """The protocol's name comes back as the server spells it."""
    reply = answered(target)
    assert reply.status == 200
    assert content(reply) == {
        "Protocol": "ActiveSync",
        "Url": "https://activesync.iad1.contoso.example:8443/Microsoft-Server-ActiveSync",
    }


def test_a_nonsense_protocol_is_answered_with_the_names_there_are() -> None:
    reply = answered(f"{JSON}?Email={ALICE}&Protocol=Nonsense")
    assert reply.status == 400
    assert dict(reply.headers)["jsonerror"] == "true"
    said = content(reply)
    assert said["ErrorCode"] == "ProtocolNotSupported"
    assert "'Rest,ActiveSync,Ews,Substrate,SubstrateSearchService,AutodiscoverV1," in said["ErrorMessage"]


@pytest.mark.parametrize(
    ("target", "code"),
    [
        (f"{JSON}?Email={ALICE}", "MissingProtocol"),
        (f"{JSON}?Email={ALICE}&Protocol=", "MissingProtocol"),
        (f"{JSON}?Protocol=Ews", "MandatoryParameterMissing"),
        (f"{JSON}?Email=alice&Protocol=Ews", "MandatoryParameterMissing"),
        (f"{JSON}/v1.0/?Protocol=Ews", "MandatoryParameterMissing"),
        (f"{JSON}/v1.0?Protocol=Ews", "MandatoryParameterMissing"),
    ],
)
def test_what_is_missing_is_named(target: str, code: str) -> None:
    reply = answered(target)
    assert (reply.status, content(reply)["ErrorCode"]) == (400, code)


def test_any_address_of_the_domain_will_do_and_none_of_another() -> None:
    assert content(answered(f"{JSON}?Email=no-one@contoso.example&Protocol=Ews", "iad1"))["Url"].startswith(
        "https://outlook-mac-legacy.iad1."
    )
    assert answered(f"{JSON}?Email=a@fabrikam.example&Protocol=Ews").status == 404


def test_the_cloud_sends_on_to_the_server_that_has_the_mailbox() -> None:
    """The question stays the same, and the server answers it."""
    target = f"{JSON}?Email={HOME}&Protocol=ActiveSync&RedirectCount=1"
    reply = answered(target)
    assert reply.status == 302
    assert dict(reply.headers)["Location"] == f"https://activesync.hq.contoso.example:8443{target}"
    assert content(answered(target, "hq"))["Url"].startswith("https://activesync.hq.")


def test_only_reading_is_allowed() -> None:
    assert answered(f"{JSON}?Email={ALICE}&Protocol=Ews", method="POST").status == 405


def test_steps_follow_the_protocol_asked_for() -> None:
    asked = {
        name: version2.step(ask(f"{JSON}?Email={ALICE}&Protocol={name}")) for name in ("Rest", "ActiveSync", "Ews")
    }
    assert asked == {"Rest": "discover_rest", "ActiveSync": "discover_eas", "Ews": "discover_ews"}
    assert version2.step(ask(f"{JSON}?Protocol=substrate")) == "discover_substrate"
    assert version2.step(ask(f"{JSON}?Protocol=Nonsense")) == ""


def test_paths_of_other_dialects_are_not_taken() -> None:
    assert version2.is_version2(ask(f"{JSON}/v1.0/{ALICE}"))
    assert not version2.is_version2(ask("/autodiscover/autodiscover.xml"))
    assert not version2.is_version2(ask("/autodiscover/autodiscover.jsonp"))
