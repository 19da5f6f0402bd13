"""What OPTIONS offers, and how a front end greets strangers."""

import pytest

from prober.exchange import Auth
from prober.faults.taxonomy import Reason
from prober.protocols.eas.options import AnonymousOptions, Options
from tests.protocols.eas.made import answer, refused

URL = "https://mail.example.test/Microsoft-Server-ActiveSync"
SOGO = {
    "MS-ASProtocolVersions": "2.5,12.0,12.1,14.0,14.1",
    "MS-ASProtocolCommands": "Sync,SendMail,FolderSync,GetItemEstimate,Settings,Ping,ItemOperations",
    "MS-Server-ActiveSync": "14.1",
}


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
