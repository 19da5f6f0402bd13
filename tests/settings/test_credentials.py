"""Each type of credential has what it needs and nothing that it would ignore."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from prober.identity.spec import CredentialSpec, CredentialType
from prober.secret import SecretSource
from prober.settings.credentials import ALWAYS, MAY, NEEDS, Credentials, time
from prober.settings.document import Credential
from prober.settings.files import Files
from prober.settings.mistakes import Mistakes
from tests.settings.made import lines

APP: dict[str, Any] = {"type": "client_credentials", "tenant": "t", "client_id": "1"}


@pytest.fixture
def credentials(mistakes: Mistakes) -> Credentials:
    return Credentials(mistakes, Files(mistakes, check=False))


def test_everything_said_of_a_credential_arrives(credentials: Credentials, mistakes: Mistakes, tmp_path: Path) -> None:
    section = {
        **APP,
        "certificate_file": "app.pem",
        "authority": "https://login.example/",
        "scope": "s",
        "expires_at": "2027-01-01T01:00:00+01:00",
    }
    assert credentials.read("app", Credential(**section)) == CredentialSpec(
        "app",
        CredentialType.CLIENT_CREDENTIALS,
        tenant="t",
        client_id="1",
        certificate_file=str(tmp_path / "app.pem"),
        authority="https://login.example",
        scope="s",
        expires_at=datetime(2027, 1, 1, tzinfo=UTC),
    )
    user = Credential(type="ntlm", username="CORP\\probe", password_env="P")  # type: ignore[arg-type]  # as in YAML
    assert credentials.read("u", user) == CredentialSpec(
        "u", CredentialType.NTLM, username="CORP\\probe", password=SecretSource(environment="P")
    )
    assert not mistakes


def test_every_type_has_its_rules_about_keys_that_exist() -> None:
    for one in CredentialType:
        keys = {key for group in NEEDS[one] for key in group} | set(MAY[one]) | set(ALWAYS)
        assert keys <= set(Credential.model_fields)


@pytest.mark.parametrize("one", list(CredentialType))
def test_a_credential_with_nothing_but_its_type_is_told_all_it_needs(
    credentials: Credentials, mistakes: Mistakes, one: CredentialType
) -> None:
    credentials.read("u", Credential(type=one))
    assert lines(mistakes) == [f"credentials.u: type {one} needs {' or '.join(group)}" for group in NEEDS[one]]


@pytest.mark.parametrize("one", list(CredentialType))
def test_the_first_key_of_each_need_is_enough(
    credentials: Credentials, mistakes: Mistakes, one: CredentialType
) -> None:
    given: dict[str, Any] = {group[0]: "x" for group in NEEDS[one] if group[0] != "token_url"}
    credentials.read("u", Credential(type=one, **given))
    assert not mistakes


def test_a_key_that_would_be_ignored_is_a_mistake(credentials: Credentials, mistakes: Mistakes) -> None:
    credentials.read("u", Credential(type="basic", password_env="P", scope="s"))  # type: ignore[arg-type]  # as in YAML
    assert lines(mistakes) == ["credentials.u.scope: means nothing to a credential of type basic"]


def test_an_application_proves_itself_in_one_way(credentials: Credentials, mistakes: Mistakes) -> None:
    credentials.read("app", Credential(**APP, client_secret_env="S", certificate_file="c"))
    assert lines(mistakes) == [
        "credentials.app.certificate_file: give one of client_secret_env and certificate_file, not both"
    ]


def test_one_secret_at_two_places_is_one_mistake(credentials: Credentials, mistakes: Mistakes) -> None:
    credentials.read("app", Credential(**APP, client_secret_env="S", client_secret_file="f"))
    assert lines(mistakes) == [
        "credentials.app.client_secret_env: give client_secret_file or client_secret_env, not both"
    ]


def test_token_services_are_urls(credentials: Credentials, mistakes: Mistakes) -> None:
    credentials.read("app", Credential(**APP, client_secret_env="S", authority="login", token_url="ftp://x"))
    assert lines(mistakes) == [
        "credentials.app.authority: must be a URL such as https://host/",
        "credentials.app.token_url: must be a URL such as https://host/",
    ]


@pytest.mark.parametrize("text", ["soon", "2027-01-01", "2027-01-01T00:00:00", "", "9999-99-99T00:00:00Z"])
def test_a_moment_needs_its_zone(mistakes: Mistakes, text: str) -> None:
    assert time(mistakes, ("at",), text) is None
    assert lines(mistakes) == ["at: must be a time with its zone, such as 2026-11-30T22:00:00Z"]


def test_hosts_are_read_as_they_are_compared(credentials: Credentials, mistakes: Mistakes) -> None:
    """Lower case, ASCII; each bad one by its place, and not repeated."""
    one = Credential(
        type=CredentialType.MANAGED_IDENTITY, resource="r", hosts=["Mail.Bücher.example:8443", "*.Corp.example."]
    )
    assert credentials.read("u", one).hosts == ("mail.xn--bcher-kva.example:8443", "*.corp.example")
    credentials.read("u", one.model_copy(update={"hosts": ["fine.example", "https://canary.example/"]}))
    (line,) = lines(mistakes)
    assert line.startswith("credentials.u.hosts[1]: must be a host such as ")
    assert "canary" not in line
