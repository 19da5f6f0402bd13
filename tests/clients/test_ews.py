"""Who asks, what a refusal means, and how the inbox is followed."""

from typing import Any

import pytest

from prober.clients import ews
from prober.clients.ews import EwsOptions
from prober.exchange import Reply
from prober.faults.taxonomy import FaultError, Reason
from prober.protocols.ews.get_folder import GetFolder
from prober.vocabulary import Environment
from tests.clients.ews_made import Server, Somebody, arrival, folders, items, removal, transaction
from tests.protocols.ews.made import failed, plain, reply
from tests.protocols.ews.test_soap import soap_fault


@pytest.mark.parametrize(
    "wrong",
    [
        {"cold_every": 0},
        {"max_changes": 9},
        {"max_changes": 513},
        {"free_busy_with": "somebody"},
        {"stream_seconds": -1},
        {"stream_seconds": 61},
    ],
)
def test_options_out_of_bounds_are_refused(wrong: dict[str, Any]) -> None:
    """At load, with a sentence."""
    with pytest.raises(ValueError, match=next(iter(wrong))):
        EwsOptions(**wrong)


@pytest.mark.parametrize(
    ("kind", "wish", "expected"),
    [
        ("client_credentials", "auto", True),
        ("managed_identity", "auto", True),
        ("refresh_token", "auto", False),
        ("ntlm", "auto", False),
        ("client_credentials", "never", False),
        ("basic", "always", True),
    ],
)
def test_an_application_acts_for_the_mailbox(kind: str, wish: Any, *, expected: bool) -> None:
    """A user opens what is the user's own, unless configuration has it otherwise."""
    tx = transaction(Server(), person=Somebody(kind), options=EwsOptions(impersonation=wish))
    asked = ews.caller(tx, affinity=True)
    assert (asked.impersonates, asked.mailbox, asked.affinity) == (expected, "a@b", True)


OFF = reply(soap_fault("a:ErrorAccessDenied", said="EWS is disabled for the organisation."), 500)


@pytest.mark.parametrize(
    ("said", "environment", "kind"),
    [
        (plain(b"", 403), Environment.EXCHANGE_ONLINE, "ews_retired"),
        (plain(b"", 404), Environment.EXCHANGE_ONLINE, "ews_retired"),
        (plain(b"", 410), Environment.EXCHANGE_ONLINE, "ews_retired"),
        (OFF, Environment.EXCHANGE_ONLINE, "ews_retired"),
        (OFF, Environment.EXCHANGE_SERVER, "ews_switched_off"),
        (plain(b"", 403), Environment.EXCHANGE_SERVER, "http_403"),
        (plain(b"", 404), Environment.EXCHANGE_SERVER, "http_404"),
        (plain(b"", 401), Environment.EXCHANGE_ONLINE, "http_401"),
        (plain(b"", 503), Environment.EXCHANGE_ONLINE, "http_503"),
        (failed("GetFolder", "ErrorAccessDenied"), Environment.EXCHANGE_ONLINE, "ews_access_denied"),
    ],
)
async def test_what_exchange_online_no_longer_has_is_retired(said: Reply, environment: Environment, kind: str) -> None:
    """On a server of one's own the same refusal is a matter of set-up."""
    tx = transaction(Server(GetFolder=said), environment=environment)
    with pytest.raises(FaultError) as caught:
        await ews.say(tx, GetFolder(ews.caller(tx)))
    fault = caught.value.fault
    assert fault.kind.code == kind
    if kind == "ews_retired":
        assert fault.reason is Reason.CLIENT_MISCONFIG
        assert fault.evidence["was"] in ("http_403", "http_404", "http_410", "ews_switched_off")


EXPIRED = plain(b"", 401, {"x-ms-diagnostics": '2000002;reason="The token has expired."'})


@pytest.mark.parametrize(
    ("kind", "answers", "code", "asked"),
    [
        ("refresh_token", [EXPIRED, folders()], "", 2),
        ("refresh_token", [EXPIRED, EXPIRED], "http_401_token_expired", 2),
        ("refresh_token", [EXPIRED, plain(b"", 403)], "ews_retired", 2),
        ("basic", [EXPIRED, folders()], "http_401_token_expired", 1),
        ("refresh_token", [plain(b"", 401), folders()], "http_401", 1),
    ],
)
async def test_a_token_that_is_called_expired_is_renewed_once(
    kind: str, answers: list[Reply], code: str, asked: int
) -> None:
    """Where there are tokens; any other refusal is the server's last word."""
    tx = transaction(server := Server(GetFolder=answers), person=Somebody(kind))
    found = ""
    try:
        await ews.say(tx, GetFolder(ews.caller(tx)))
    except FaultError as error:
        found = error.fault.kind.code
    assert (found, len(server.asked)) == (code, asked)
    assert tx.timeline.facts.get("renewed", False) is (asked == 2)


async def test_pages_are_asked_for_until_the_last() -> None:
    """Each with the state of the one before."""
    server = Server(
        SyncFolderItems=[items("1", arrival("a", 1), last=False), items("2", arrival("b", 2), removal("a"))]
    )
    turn = await ews.follow(transaction(server), "0", 10)
    assert ([one.id for one in turn.arrived], turn.gone, turn.state) == (["a", "b"], frozenset({"a"}), "2")
    assert turn.settled
    states = [body.partition(b"<m:SyncState>")[2][:1] for body in server.bodies("SyncFolderItems")]
    assert states == [b"0", b"1"]


async def test_an_inbox_that_never_ends_is_left_for_the_next_time() -> None:
    server = Server(SyncFolderItems=items("1", arrival("a", 1), last=False))
    turn = await ews.follow(transaction(server), "")
    assert (turn.settled, len(server.asked)) == (False, ews.PAGES)


async def test_a_refused_state_is_dropped_once() -> None:
    server = Server(SyncFolderItems=[failed("SyncFolderItems", "ErrorInvalidSyncStateData"), items("1")])
    turn = await ews.follow(transaction(server), "old")
    assert (turn.refused, turn.state) == (True, "1")
    assert b"SyncState" not in server.bodies("SyncFolderItems")[1]


@pytest.mark.parametrize(
    ("state", "code"),
    [("", "ErrorInvalidSyncStateData"), ("old", "ErrorInvalidSyncStateData"), ("old", "ErrorServerBusy")],
)
async def test_a_state_that_stays_refused_is_a_fault(state: str, code: str) -> None:
    """As is any other refusal."""
    server = Server(SyncFolderItems=failed("SyncFolderItems", code))
    with pytest.raises(FaultError) as caught:
        await ews.follow(transaction(server), state)
    assert caught.value.fault.evidence["response_code"] == code
