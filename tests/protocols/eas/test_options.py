"""What OPTIONS offers, and how a front end greets strangers."""

import pytest

from prober.exchange import Auth
from prober.faults.taxonomy import Reason
from prober.protocols.eas.options import AnonymousOptions, HealthPage, OAuthChallenge, Options
from tests.protocols.eas.made import answer, refused

URL = "https://mail.example.test/Microsoft-Server-ActiveSync"
SOGO = {
    "MS-ASProtocolVersions": "2.5,12.0,12.1,14.0,14.1",
    "MS-ASProtocolCommands": "Sync,SendMail,FolderSync,GetItemEstimate,Settings,Ping,ItemOperations",
    "MS-Server-ActiveSync": "14.1",
}
BEARER = 'Bearer client_id="0", trusted_issuers="1@*", authorization_uri="https://login.example.test/authorize"'


def test_versions_and_commands_are_read() -> None:
    """As SOGo writes them."""
    offered = Options(URL).read(answer(headers=SOGO))
    assert offered.versions == ("2.5", "12.0", "12.1", "14.0", "14.1")
    assert {"Sync", "FolderSync", "Ping"} <= offered.commands
    assert offered.server == "14.1"
    assert Options(URL).call().auth is Auth.CREDENTIAL


@pytest.mark.parametrize("missing", ["MS-ASProtocolVersions", "MS-ASProtocolCommands"])
def test_a_header_that_is_missing_is_a_violation(missing: str) -> None:
    """Named among the evidence."""
    fault = refused(Options(URL).read, answer(headers={key: text for key, text in SOGO.items() if key != missing}))
    assert (fault.kind.code, fault.evidence["element"]) == ("eas_element_missing", missing)


@pytest.mark.parametrize("status", [401, 451])
def test_strangers_are_asked_who_they_are(status: int) -> None:
    """Or sent elsewhere."""
    headers = {"Www-Authenticate": 'basic realm="SOGo"'}
    assert AnonymousOptions(URL).read(answer(status=status, headers=headers)) == "basic"
    assert AnonymousOptions(URL).call().auth is Auth.NONE


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (200, Reason.UNEXPECTED_CHALLENGE),
        (404, Reason.CLIENT_MISCONFIG),
        (500, Reason.SERVER_ERROR),
        (502, Reason.SERVER_ERROR),
        (503, Reason.SERVER_BUSY),
    ],
)
def test_strangers_who_are_let_in_or_meet_an_error_say_so(status: int, reason: Reason) -> None:
    """200 to an anonymous request is no health."""
    assert refused(AnonymousOptions(URL).read, answer(status=status)).reason is reason


def test_the_empty_bearer_brings_the_challenge() -> None:
    """The address goes along and does not show."""
    challenge = OAuthChallenge(URL, "a@b")
    assert challenge.call().auth is Auth.EMPTY_BEARER
    assert dict(challenge.call().headers) == {"X-User-Identity": "a@b"}
    assert OAuthChallenge(URL).call().headers == ()
    assert challenge.read(answer(status=401, headers={"WWW-Authenticate": BEARER})) == "every tenant"
    assert "a@b" not in repr(challenge)


@pytest.mark.parametrize(
    ("status", "header", "address", "reason"),
    [
        (401, 'Basic realm="x"', "a@b", Reason.UNEXPECTED_CHALLENGE),
        (401, "", "a@b", Reason.UNEXPECTED_CHALLENGE),
        (401, 'Bearer client_id="0"', "a@b", Reason.UNEXPECTED_CHALLENGE),
        (200, BEARER, "", Reason.UNEXPECTED_CHALLENGE),
        (500, BEARER, "", Reason.SERVER_ERROR),
    ],
)
def test_a_front_end_without_oauth_is_found_out(status: int, header: str, address: str, reason: Reason) -> None:
    """`authorization_uri` is due only where the address was sent."""
    reply = answer(status=status, headers={"WWW-Authenticate": header})
    assert refused(OAuthChallenge(URL, address).read, reply).reason is reason
    assert OAuthChallenge(URL).read(answer(status=401, headers={"WWW-Authenticate": "Bearer"})) == "other"


def test_the_health_page_says_that_all_is_well() -> None:
    """Beside the endpoint, without a credential."""
    page = HealthPage(URL)
    assert (page.call().url, page.call().auth) == (f"{URL}/healthcheck.htm", Auth.NONE)
    well = answer()
    page.read(type(well)(200, well.headers, b"200 OK<br/>MAIL01.CORP.EXAMPLE"))
    assert refused(page.read, type(well)(200, well.headers, b"<html>Sign in")).kind.code == "health_page_not_published"
    assert refused(page.read, answer(status=404)).kind.code == "health_page_not_published"
    assert refused(page.read, answer(status=503)).reason is Reason.SERVER_BUSY
