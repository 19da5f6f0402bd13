"""From the section of a credential to its `CredentialSpec`: what each type needs, may have, and does not know."""

import dataclasses
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from prober.identity.spec import CredentialSpec, CredentialType
from prober.settings.addresses import WEB, url_trouble
from prober.settings.bindings import plain, trouble
from prober.settings.document import Credential
from prober.settings.files import Files
from prober.settings.mistakes import Mistakes
from prober.settings.source import Location

PASSWORD, CLIENT_SECRET = ("password_file", "password_env"), ("client_secret_file", "client_secret_env")
DIRECTORY, APPLICATION = ("tenant", "token_url"), ("client_id",)
NEEDS: Mapping[CredentialType, tuple[tuple[str, ...], ...]] = MappingProxyType(
    {
        CredentialType.BASIC: (PASSWORD,),
        CredentialType.NTLM: (("username",), PASSWORD),
        CredentialType.NEGOTIATE: (("username",), PASSWORD),
        CredentialType.CLIENT_CREDENTIALS: (
            DIRECTORY,
            APPLICATION,
            (*CLIENT_SECRET, "certificate_file", "assertion_file"),
        ),
        CredentialType.REFRESH_TOKEN: (DIRECTORY, APPLICATION, ("token_file",)),
        CredentialType.ROPC: (DIRECTORY, APPLICATION, ("username",), PASSWORD),
        CredentialType.MANAGED_IDENTITY: (("resource",),),
    }
)
"""Of each group a credential has at least one."""
MAY: Mapping[CredentialType, tuple[str, ...]] = MappingProxyType(
    {
        CredentialType.BASIC: ("username",),
        CredentialType.NTLM: (),
        CredentialType.NEGOTIATE: (),
        CredentialType.CLIENT_CREDENTIALS: ("authority", "scope"),
        CredentialType.REFRESH_TOKEN: ("authority", "scope", "certificate_file", *CLIENT_SECRET),
        CredentialType.ROPC: ("authority", "scope", *CLIENT_SECRET),
        CredentialType.MANAGED_IDENTITY: ("client_id", "token_url"),
    }
)
ALWAYS = ("type", "expires_at", "hosts")
PROOFS = (*CLIENT_SECRET, "certificate_file", "assertion_file")


class Credentials:
    """Reads credentials, one after the other."""

    def __init__(self, mistakes: Mistakes, files: Files) -> None:
        self._mistakes = mistakes
        self._files = files

    def read(self, name: str, one: Credential) -> CredentialSpec:
        """Return what is said of the credential `name`, after taking down what is wrong with it."""
        path: Location = ("credentials", name)
        self._check_keys(path, one)
        self._check_url((*path, "authority"), one.authority)
        self._check_url((*path, "token_url"), one.token_url)
        spec = CredentialSpec(
            name,
            one.type,
            username=one.username or "",
            password=self._files.secret(path, one, "password"),
            tenant=one.tenant or "",
            client_id=one.client_id or "",
            client_secret=self._files.secret(path, one, "client_secret"),
            certificate_file=self._files.application((*path, "certificate_file"), one.certificate_file),
            assertion_file=self._files.secret_file((*path, "assertion_file"), one.assertion_file),
            token_file=self._files.secret_file((*path, "token_file"), one.token_file),
            resource=one.resource or "",
            token_url=one.token_url,
            scope=one.scope,
            expires_at=time(self._mistakes, (*path, "expires_at"), one.expires_at),
            hosts=self._hosts((*path, "hosts"), one.hosts),
        )
        return dataclasses.replace(spec, authority=one.authority.rstrip("/")) if one.authority else spec

    def _hosts(self, at: Location, given: list[str] | None) -> tuple[str, ...] | None:
        if given is None:
            return None
        found = {index: trouble(pattern) for index, pattern in enumerate(given)}
        for index, wrong in found.items():
            if wrong:
                self._mistakes.add((*at, index), wrong)
        return tuple(plain(pattern) for index, pattern in enumerate(given) if not found[index])

    def _check_url(self, at: Location, url: str | None) -> None:
        wrong = url_trouble(url, WEB) if url is not None else ""
        if wrong:
            self._mistakes.add(at, wrong)

    def _check_keys(self, path: Location, one: Credential) -> None:
        """Check that the credential has what its type needs, and nothing that its type does not know."""
        given = [key for key in type(one).model_fields if getattr(one, key) is not None]
        useful = {key for group in NEEDS[one.type] for key in group} | {*MAY[one.type], *ALWAYS}
        for key in given:
            if key not in useful:
                self._mistakes.add((*path, key), f"means nothing to a credential of type {one.type}")
        for group in NEEDS[one.type]:
            if not any(key in given for key in group):
                self._mistakes.add(path, f"type {one.type} needs {' or '.join(group)}")
        self._check_proofs(path, [key for key in PROOFS if key in given and key in useful])

    def _check_proofs(self, path: Location, proofs: list[str]) -> None:
        """Check that an application proves itself in one way (two places of one secret are told of elsewhere)."""
        ways = {key.rpartition("_")[0] for key in proofs}
        if len(ways) > 1:
            self._mistakes.add((*path, proofs[-1]), f"give one of {' and '.join(proofs)}, not both")


def time(mistakes: Mistakes, at: Location, text: str | None) -> datetime | None:
    """Return a moment (RFC 3339) with its zone."""
    if text is None:
        return None
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        when = None
    if when is None or when.tzinfo is None:
        mistakes.add(at, "must be a time with its zone, such as 2026-11-30T22:00:00Z")
        return None
    return when
