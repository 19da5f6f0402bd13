"""Credentials as transactions use them."""

import base64
from collections.abc import Awaitable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from prober.exchange import Auth, Call, Headers, Reply
from prober.faults.taxonomy import Fault, FaultError, Kind, Reason
from prober.identity.identities import Identities
from prober.identity.spec import CredentialSpec, CredentialType
from prober.secret import SecretSource
from prober.timeline import Timeline
from prober.transaction import Identity, Scopes
from tests.identity.fakes import FakeService, Heard, granted

SCOPES = Scopes("app-scope", "user-scope")
PASSWORD = SecretSource(environment="PROBER_TEST")
APP = CredentialSpec("app", CredentialType.CLIENT_CREDENTIALS, tenant="t", client_id="c", client_secret=PASSWORD)
CALL = Call("GET", "https://mail.example/", auth=Auth.CREDENTIAL)


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROBER_TEST", "canary-pässword")


def bound(spec: CredentialSpec, service: FakeService | None = None, mailbox: str | None = "box@x.example") -> Identity:
    network = service or FakeService()
    identities = Identities({spec.name: spec}, network, {}, Heard(), clock=network.clock)  # type: ignore[arg-type]  # stands for the network
    return identities.bind(spec.name, SCOPES, mailbox)


async def test_basic_is_user_and_password_in_utf_8() -> None:
    identity = bound(CredentialSpec("u", CredentialType.BASIC, "me", PASSWORD))
    scheme, _, value = (await identity.authorization(CALL, Timeline())).partition(" ")
    assert (scheme, base64.b64decode(value).decode()) == ("Basic", "me:canary-pässword")
    assert (await identity.password()).reveal() == "canary-pässword"
    assert (identity.kind, identity.username, identity.bearer) == ("basic", "me", False)
    assert await identity.answer(CALL, Reply(401), None) is None
    with pytest.raises(FaultError):
        await identity.token(Timeline())


async def test_a_password_that_is_replaced_is_shown_from_the_next_request_on(tmp_path: Path) -> None:
    """Also within one transaction: a channel's lasts for hours."""
    file = tmp_path / "password"
    file.write_text("old")
    identity = bound(CredentialSpec("u", CredentialType.BASIC, "me", SecretSource(str(file))))
    shown = [await identity.authorization(CALL, Timeline())]
    file.write_text("new")
    shown.append(await identity.authorization(CALL, Timeline()))
    assert [base64.b64decode(one.split(" ")[1]) for one in shown] == [b"me:old", b"me:new"]
    file.write_text("")
    with pytest.raises(FaultError) as caught:
        await identity.password()
    assert caught.value.fault.kind.code == "secret_unreadable"


@pytest.mark.parametrize("kind", [CredentialType.BASIC, CredentialType.NTLM])
async def test_a_password_that_is_known_to_be_wrong_is_not_shown(kind: CredentialType) -> None:
    """By any way in which it could be; the rejection is repeated instead."""
    spec = CredentialSpec("u", kind, "me", PASSWORD)
    rejected = Fault(Kind("http_401", Reason.AUTH_REJECTED), {"answered": "from memory"})
    known = Identities({"u": spec}, FakeService(), {}, Heard(), remembered={"u": rejected}.get)  # type: ignore[arg-type]  # stands for the network
    identity = known.bind("u", SCOPES, None)
    challenge = Reply(401, Headers([("WWW-Authenticate", "NTLM")]))
    ways: list[Awaitable[Any]] = [identity.password()]
    ways.append(
        identity.authorization(CALL, Timeline()) if kind is CredentialType.BASIC else _answer(identity, challenge)
    )
    for way in ways:
        with pytest.raises(FaultError) as caught:
            await way
        assert caught.value.fault.evidence["answered"] == "from memory"


async def _answer(identity: Identity, reply: Reply) -> Any:
    return await identity.answer(CALL, reply, None)


def test_without_a_user_name_the_mailbox_is_the_user() -> None:
    assert bound(CredentialSpec("u", CredentialType.BASIC, password=PASSWORD)).username == "box@x.example"


async def test_an_application_asks_for_its_own_scope_and_is_the_mailbox() -> None:
    service = FakeService(granted("tok"))
    identity = bound(APP, service)
    assert await identity.authorization(CALL, Timeline()) == "Bearer tok"
    assert service.forms[0]["scope"] == "app-scope"
    assert (identity.username, identity.bearer) == ("box@x.example", True)
    assert await identity.answer(CALL, Reply(401), None) is None
    with pytest.raises(FaultError):
        await identity.password()


@pytest.mark.parametrize(
    ("spec", "scope"),
    [
        (replace(APP, type=CredentialType.ROPC, username="me", password=PASSWORD), "user-scope"),
        (replace(APP, scope="own"), "own"),
    ],
)
async def test_the_scope_follows_from_type_and_configuration(spec: CredentialSpec, scope: str) -> None:
    service = FakeService(granted())
    await bound(spec, service).token(Timeline())
    assert service.forms[0]["scope"] == scope


async def test_transactions_share_the_token_of_a_scope() -> None:
    service = FakeService(granted("a"), granted("b"))
    identities = Identities({"app": APP}, service, {}, Heard(), clock=service.clock)  # type: ignore[arg-type]  # stands for the network
    one = await identities.bind("app", SCOPES, "a@x.example").token(Timeline())
    two = await identities.bind("app", SCOPES, "b@x.example").token(Timeline())
    other = await identities.bind("app", Scopes("else", ""), "a@x.example").token(Timeline())
    assert [token.value.reveal() for token in (one, two, other)] == ["a", "a", "b"]
    await identities.close()


async def test_ntlm_waits_to_be_asked_and_begins_anew_on_a_new_connection() -> None:
    identity = bound(CredentialSpec("n", CredentialType.NTLM, "CORP\\probe", PASSWORD))
    asked = Reply(401, Headers([("WWW-Authenticate", "NTLM")]))
    assert await identity.authorization(CALL, Timeline()) == ""
    first = await identity.answer(CALL, asked, None)
    assert first is not None
    assert first.startswith("NTLM TlRMTVNTUAAB")
    refused = replace(CALL, headers=(("Authorization", first),))
    assert await identity.answer(refused, asked, None) is None
    again = await identity.answer(CALL, asked, None)
    assert again is not None
    assert again.startswith("NTLM TlRMTVNTUAAB")
    assert await identity.answer(CALL, Reply(401), None) is None


def test_no_identity_prints_a_secret() -> None:
    for spec in (APP, CredentialSpec("u", CredentialType.BASIC, "me", PASSWORD)):
        assert "canary" not in repr(bound(spec))


async def test_a_host_that_is_taken_away_is_refused_from_the_next_transaction_on() -> None:
    """Also where the same URL was let pass before."""
    service = FakeService(granted("a"))
    identities = Identities({"app": APP}, service, {}, Heard(), clock=service.clock)  # type: ignore[arg-type]  # stands for the network
    for hosts in (("*.example",), ("x.example",)):
        identities.configure({"app": replace(APP, hosts=hosts)}, service)  # type: ignore[arg-type]  # stands for the network
        identity = identities.bind("app", SCOPES, None)
        with nullcontext() if "*.example" in hosts else pytest.raises(FaultError, match="credential_not_bound"):
            await identity.authorization(CALL, Timeline())


async def test_of_other_credentials_those_that_are_the_same_keep_their_tokens() -> None:
    """Also where more hosts may see it now; whoever changed asks anew, along the way out as it is then."""
    before, after = FakeService(granted("a"), granted("b")), FakeService(granted("c"))
    specs = {"app": APP, "other": replace(APP, name="other"), "gone": replace(APP, name="gone")}
    identities = Identities(specs, before, {}, Heard(), clock=before.clock)  # type: ignore[arg-type]  # stands for the network
    for name in ("app", "other"):
        await identities.bind(name, SCOPES, None).token(Timeline())
    now = {"app": replace(APP, hosts=("x.example",)), "other": replace(APP, name="other", client_id="another")}
    for cache in identities.configure(now, after):  # type: ignore[arg-type]  # stands for the network
        await cache.close()
    identity = identities.bind("app", SCOPES, None)
    assert (await identity.token(Timeline())).value.reveal() == "a"
    with pytest.raises(FaultError) as caught:
        await identity.authorization(CALL, Timeline())
    assert caught.value.fault.kind.code == "credential_not_bound"
    assert (await identities.bind("other", SCOPES, None).token(Timeline())).value.reveal() == "c"
    with pytest.raises(KeyError):
        identities.bind("gone", SCOPES, None)
