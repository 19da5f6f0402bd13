"""Each type of credential asks in its own way, with its secrets as they are at that moment."""

from pathlib import Path
from urllib.parse import parse_qs

import pytest

from prober.exchange import Reply
from prober.faults import taxonomy as kinds
from prober.faults.taxonomy import FaultError
from prober.identity.grants import Grant
from prober.identity.spec import CredentialSpec, CredentialType
from prober.protocols.oauth.token import Granted
from prober.secret import Secret, SecretSource

SCOPE = "https://outlook.office365.com/.default"


async def form(grant: Grant) -> dict[str, str]:
    call = (await grant.ask(SCOPE)).call()
    return {name: value[0] for name, value in parse_qs(call.body.decode()).items()}


async def test_a_client_secret_is_read_anew_for_each_request(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("canary-one")
    spec = CredentialSpec(
        "app", CredentialType.CLIENT_CREDENTIALS, tenant="t", client_id="c", client_secret=SecretSource(str(file))
    )
    grant = Grant(spec, {})
    first = await grant.ask(SCOPE)
    assert (await form(grant))["client_secret"] == "canary-one"
    file.write_text("two")
    assert (await form(grant))["client_secret"] == "two"
    assert (await grant.ask(SCOPE)).mark != first.mark
    assert "canary-one" not in repr(first)
    assert grant.url == "https://login.microsoftonline.com/t/oauth2/v2.0/token"


async def test_a_federated_assertion_is_sent_as_it_stands(tmp_path: Path) -> None:
    file = tmp_path / "assertion"
    file.write_text("jwt")
    spec = CredentialSpec("app", CredentialType.CLIENT_CREDENTIALS, tenant="t", client_id="c", assertion_file=str(file))
    assert (await form(Grant(spec, {})))["client_assertion"] == "jwt"


async def test_a_refresh_token_is_rotated_with_the_grant(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("old")
    spec = CredentialSpec("phone", CredentialType.REFRESH_TOKEN, tenant="t", client_id="c", token_file=str(file))
    asking = await Grant(spec, {}).ask(SCOPE)
    await asking.granted(Granted(Secret("a"), 1, Secret("new")))
    assert file.read_text() == "new"
    await asking.granted(Granted(Secret("a"), 1))
    assert file.read_text() == "new"


async def test_a_password_grant_names_its_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROBER_TEST", "p")
    spec = CredentialSpec(
        "u",
        CredentialType.ROPC,
        username="me@x.example",
        password=SecretSource(environment="PROBER_TEST"),
        token_url="https://x/token",
        client_id="c",
    )
    assert await form(Grant(spec, {})) == {
        "client_id": "c",
        "scope": SCOPE,
        "grant_type": "password",
        "username": "me@x.example",
        "password": "p",
    }


async def test_a_managed_identity_asks_its_host() -> None:
    spec = CredentialSpec("mi", CredentialType.MANAGED_IDENTITY, resource="https://graph.microsoft.com")
    asking = await Grant(spec, {}).ask(SCOPE)
    assert asking.call().url.startswith("http://169.254.169.254/metadata/identity/oauth2/token?")
    with pytest.raises(FaultError):
        asking.read(Reply(500))
    elsewhere = CredentialSpec("mi", CredentialType.MANAGED_IDENTITY, resource="r", token_url="http://127.0.0.1:1/x")
    assert (await Grant(elsewhere, {}).ask(SCOPE)).call().url.startswith("http://127.0.0.1:1/x?api-version")


async def test_a_secret_that_is_gone_is_our_own_fault(tmp_path: Path) -> None:
    spec = CredentialSpec(
        "app",
        CredentialType.CLIENT_CREDENTIALS,
        tenant="t",
        client_id="c",
        client_secret=SecretSource(str(tmp_path / "x")),
    )
    with pytest.raises(FaultError) as caught:
        await Grant(spec, {}).ask(SCOPE)
    assert caught.value.fault.kind is kinds.SECRET_UNREADABLE
