"""What a phone mends once before it gives up: a token called expired, a policy key called wrong."""

import pytest

from prober.clients.activesync_phone import Device, say, send
from prober.exchange import Reply
from prober.faults.taxonomy import FaultError, Reason
from prober.protocols.eas.folder_sync import FolderSync
from tests.clients.eas_made import (
    MEMORY,
    Person,
    Server,
    folder_sync,
    folders,
    landed,
    offered,
    provisioned,
    run,
    step,
    transaction,
)
from tests.protocols.eas.made import answer, tag

BEARER = "refresh_token"


def refused(diagnostics: str) -> Reply:
    """Return a refusal of the token, with what Exchange says of it."""
    headers = {"WWW-Authenticate": 'Bearer realm=""', "x-ms-diagnostics": f'{diagnostics};reason="x"'}
    return answer(status=401, headers=headers)


def anonymous() -> list[Reply]:
    return [answer(status=401, headers={"WWW-Authenticate": 'Bearer authorization_uri="https://login.example.test/"'})]


@pytest.mark.parametrize("command", ["OPTIONS", "FolderSync"])
async def test_a_token_called_expired_is_renewed_once(command: str) -> None:
    """In whichever command; the answer to the fresh one counts."""
    well = {"OPTIONS": offered(), "FolderSync": folders()}[command]
    server = Server(anonymous=anonymous(), **{command: [refused("2000002"), well]})
    outcome = await run(server, person=Person(kind=BEARER))
    assert outcome.fault is None
    assert [fields["Authorization"] for fields in server.headers(command)] == ["Bearer t1", "Bearer t2"]
    where = {"OPTIONS": "options", "FolderSync": "folder_sync"}[command]
    assert step(outcome, where).facts["renewed"] is True


async def test_a_fresh_token_called_expired_is_rejected() -> None:
    """And is not renewed a second time."""
    server = Server(anonymous=anonymous(), FolderSync=refused("2000002"))
    outcome = await run(server, person=Person(kind=BEARER))
    assert landed(outcome) == ("folder_sync", "http_401_token_expired", Reason.AUTH_REJECTED)
    assert server.asked.count("FolderSync") == 2


@pytest.mark.parametrize(("diagnostics", "kind"), [("2000001", BEARER), ("2000002", "basic")])
async def test_nothing_else_is_renewed(diagnostics: str, kind: str) -> None:
    """Neither a token refused for another reason, nor a password."""
    server = Server(anonymous=[*anonymous()], FolderSync=refused(diagnostics))
    outcome = await run(server, person=Person(kind=kind))
    assert landed(outcome)[2] is Reason.AUTH_REJECTED
    assert server.asked.count("FolderSync") == 1


POLICY = [provisioned("1", tag(0x09, "111")), provisioned("5"), provisioned("1", tag(0x09, "333"))]


async def test_a_key_called_wrong_is_fetched_again_once() -> None:
    """5: both phases anew, and what the second brings is kept (MS-ASPROV section 2.2.2.54)."""
    memory: MEMORY = {}
    server = Server(Provision=[*POLICY, provisioned("1", tag(0x09, "444"))])
    outcome = await run(server, memory)
    assert outcome.fault is None
    assert [fields["X-MS-PolicyKey"] for fields in server.headers("Provision")] == ["0", "111", "0", "333"]
    assert memory["policy_key"] == "444"
    assert step(outcome, "provision_ack").facts["policy"] == "wanted"


async def test_a_server_that_calls_every_key_wrong_is_at_fault() -> None:
    """After the second one."""
    wrong = [provisioned("1", tag(0x09, "111")), provisioned("5"), provisioned("1", tag(0x09, "333")), provisioned("5")]
    outcome = await run(server := Server(Provision=wrong))
    assert landed(outcome) == ("provision_ack", "eas_policy_5", Reason.SERVER_ERROR)
    assert server.asked.count("Provision") == 4


async def test_a_policy_that_is_gone_by_then_needs_no_acknowledgement() -> None:
    """The second first phase says that there is none."""
    memory: MEMORY = {}
    server = Server(Provision=[provisioned("1", tag(0x09, "111")), provisioned("5"), provisioned("2")])
    assert (await run(server, memory)).fault is None
    assert memory["policy_key"] == "none"


async def test_provisioning_on_the_way_may_meet_a_wrong_key_too() -> None:
    """142, the handshake, 5, the handshake, and the command again."""
    memory: MEMORY = {"policy_key": "9"}
    handshakes = [*POLICY, provisioned("1", tag(0x09, "444"))]
    server = Server(FolderSync=[folder_sync("142"), folders()], Provision=handshakes)
    tx = transaction(server, memory=memory)
    found = await say(tx, Device(), FolderSync)
    assert found.first("2") == "mail%2F1"
    assert server.headers("FolderSync")[1]["X-MS-PolicyKey"] == "444"


async def test_a_message_that_is_not_taken_is_a_fault() -> None:
    """120: the server could not hand it on."""
    status = answer(b"\x00\x15" + tag(0x05, tag(0x12, "120")))
    with pytest.raises(FaultError) as caught:
        await send(transaction(Server(SendMail=status)), Device(), b"x")
    assert caught.value.fault.kind.code == "eas_120"
