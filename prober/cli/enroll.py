"""`prober enroll`: consent that a person gives once, left as a refresh token in a file; and the canary item."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from prober.cli import Mistake, load_settings

if TYPE_CHECKING:
    from prober.enrolment.consent import Registration
    from prober.identity.spec import CredentialSpec
    from prober.net.network import Network
    from prober.protocols.oauth.consent import DeviceCode
    from prober.secret import Secret
    from prober.settings.settings import Settings
    from prober.transaction import Client

AUTHORITY = "https://login.microsoftonline.com"


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What to ask for, of whom, and where to keep it."""

    who: "Registration"
    output: Path
    network: "Network"


@click.command("enroll")
@click.option("--config.file", "config", metavar="F", multiple=True, type=click.Path(path_type=Path))
@click.option("--credential", metavar="NAME", help="Credential of the configuration, of type refresh_token.")
@click.option("--client", metavar="C", help="Ask for the scope of this client; default: the one that uses it.")
@click.option("--tenant", metavar="T", help="Directory (tenant) name or id, where there is no configuration.")
@click.option("--client-id", metavar="ID", help="Application (client) id.")
@click.option("--authority", metavar="URL", default=AUTHORITY, show_default=True, help="Token service.")
@click.option("--scope", metavar="S", help="Scope to ask for.")
@click.option("--ca-file", metavar="F", help="Authorities to trust (PEM), where there is no configuration.")
@click.option("--output", metavar="F", type=click.Path(path_type=Path), help="File for the refresh token.")
@click.option("--device-code", is_flag=True, help="Sign in on another machine by typing a code.")
@click.option("--browser", is_flag=True, help="Open the browser of this machine.")
@click.option("--timeout", type=click.FloatRange(1, 3600), default=300.0, show_default=True, help="Seconds to wait.")
@click.option("--canary", is_flag=True, help="Put the canary item into the mailbox of --target instead.")
@click.option("--target", metavar="T", help="Target whose mailbox the canary goes to.")
def enroll(
    *,
    config: tuple[Path, ...],
    credential: str | None,
    client: str | None,
    tenant: str | None,
    client_id: str | None,
    authority: str,
    scope: str | None,
    ca_file: str | None,
    output: Path | None,
    device_code: bool,
    browser: bool,
    timeout: float,
    canary: bool,
    target: str | None,
) -> None:
    """Sign in once as the person whose mailbox is probed, and leave a refresh token in a file.

    By the browser of this machine, or with --device-code by that of another. Exit 0 with the token in its file, 1 when
    the sign-in was refused or took too long, 2 for a mistake in configuration or command line.
    """
    if canary:
        _place_canary(config, target)
        return
    wanted = (
        _configured(config, credential, client)
        if config
        else _given(tenant, client_id, authority, scope, ca_file, output)
    )
    secret = _signed_in(wanted, by_code=device_code, browser=browser, within=timeout)
    _keep(wanted.output, secret)
    click.echo(f"The refresh token is in {wanted.output}.")


def _configured(config: tuple[Path, ...], name: str | None, client: str | None) -> _Wanted:
    """Return what the configuration says of a credential. Raises `Mistake`."""
    from prober.assembly import Networks
    from prober.enrolment.consent import Registration
    from prober.identity.spec import CredentialType
    from prober.net.network import NetworkSetupError

    settings = load_settings(config, check_files=False)  # the token's file need not be there yet
    known = sorted(one for one, spec in settings.credentials.items() if spec.type is CredentialType.REFRESH_TOKEN)
    if name is None and len(known) == 1:
        name = known[0]
    if name is None or name not in known:
        listed = ", ".join(known) or "there is none"
        raise Mistake(f"prober: --credential must name a credential of type refresh_token: {listed}")
    spec = settings.credentials[name]
    base = f"{spec.authority}/{spec.tenant}"
    who = Registration(base, spec.client_id, _scope(settings, spec, client), _proof(spec))
    try:
        return _Wanted(who, Path(spec.token_file or ""), Networks(settings).tokens)
    except NetworkSetupError as exc:
        raise Mistake(f"prober: {exc}") from None


def _given(
    tenant: str | None,
    client_id: str | None,
    authority: str,
    scope: str | None,
    ca_file: str | None,
    output: Path | None,
) -> _Wanted:
    """Return what the command line says. Raises `Mistake`."""
    from prober.enrolment.consent import Registration
    from prober.net.network import Network, NetworkSetupError
    from prober.net.route import Route, TlsPolicy

    given = {"--tenant": tenant, "--client-id": client_id, "--scope": scope, "--output": output}
    missing = [option for option, value in given.items() if not value]
    if missing:
        raise Mistake(f"prober: give --config.file and --credential, or {', '.join(missing)}")
    if urlsplit(authority).scheme != "https":
        raise Mistake("prober: --authority must be an https URL")
    try:
        network = Network(Route(tls=TlsPolicy(ca_file=ca_file)))
    except NetworkSetupError as exc:
        raise Mistake(f"prober: {exc}") from None
    who = Registration(f"{authority.rstrip('/')}/{tenant}", str(client_id), str(scope))
    return _Wanted(who, Path(output or ""), network)


def _scope(settings: "Settings", spec: "CredentialSpec", client: str | None) -> str:
    """Return the scope of the credential, else of the client asked for, else of those that use it."""
    from prober.clients import catalogue

    if spec.scope:
        return spec.scope
    users = [client] if client else _users(settings, spec.name)
    known = catalogue()
    scopes = [known[name].scopes for name in users if name in known]
    found = next((one for one in scopes if one is not None), None)
    if found is None:
        raise Mistake(f"prober: no client that asks for a scope uses credential {spec.name!r}: name one with --client")
    return found.delegated


def _users(settings: "Settings", credential: str) -> list[str]:
    return sorted({one.client for one in settings.assignments if one.credential == credential})


def _proof(spec: "CredentialSpec") -> dict[str, str]:
    """Return who the application is, where it is one with a secret."""
    from prober.protocols.oauth.token import by_secret
    from prober.secret import SecretUnreadableError

    if spec.client_secret is None:
        return {}
    try:
        return by_secret(spec.client_secret.read())
    except SecretUnreadableError:
        raise Mistake(f"prober: the client secret of credential {spec.name!r} cannot be read") from None


def _signed_in(wanted: _Wanted, *, by_code: bool, browser: bool, within: float) -> "Secret":
    """Have a person sign in; exit 1 when that comes to nothing."""
    import asyncio

    from prober.enrolment.consent import by_browser, by_device_code
    from prober.faults.taxonomy import FaultError

    def show_url(url: str) -> None:
        click.echo(f"Open this page and sign in as the person whose mailbox is probed:\n\n  {url}\n")
        if browser:
            click.launch(url)

    def show_code(code: "DeviceCode") -> None:
        click.echo(f"Open {code.verification_uri} on any machine and type the code {code.user_code}")

    async def run() -> "Secret":
        if by_code:
            return await by_device_code(wanted.network, wanted.who, show_code)
        return await by_browser(wanted.network, wanted.who, show_url, within=within)

    try:
        return asyncio.run(run())
    except FaultError as error:
        raise _failed(f"no token was issued: {_told(error)}") from None
    except KeyboardInterrupt:
        raise _failed("given up") from None


def _keep(output: Path, secret: "Secret") -> None:
    from prober.identity.rotation import write_whole

    try:
        write_whole(output, secret, 0o600)
    except OSError as exc:
        raise _failed(f"{output} cannot be written: {exc.strerror}") from None


def _place_canary(config: tuple[Path, ...], target: str | None) -> None:
    """Put the canary into a target's mailbox; exit 1 when that comes to nothing."""
    import asyncio

    from prober.assembly import Assembly
    from prober.enrolment import canary
    from prober.faults.taxonomy import FaultError
    from prober.net.network import NetworkSetupError

    settings = load_settings(config)
    names = sorted({one.target.name for one in settings.assignments if one.target.mailbox})
    if target not in names:
        raise Mistake(f"prober: --target must name a target with a mailbox: {', '.join(names) or 'there is none'}")
    writer = canary.writer(one for one in settings.assignments if one.target.name == target)
    if writer is None:
        raise Mistake(
            f"prober: target {target!r} has no client with a credential that can write: {_listed(canary.ORDER)}"
        )
    marker = writer.target.canary or canary.new_marker()

    async def run() -> None:
        from prober.app import Unwatched
        from prober.storage.store import Store

        assembly = Assembly(
            settings, _catalogue(), Store.open(None), watch=Unwatched(), tell=lambda *_: None, lagged=lambda _: None
        )
        tx = assembly.open(writer)
        try:
            await canary.place(tx, marker)
        finally:
            await tx.close()
            await assembly.close()

    try:
        asyncio.run(run())
    except NetworkSetupError as exc:
        raise Mistake(f"prober: {exc}") from None
    except FaultError as error:
        raise _failed(f"the canary could not be placed: {_told(error)}") from None
    click.echo(f"The canary is in the mailbox of {target}, placed by {writer.client}.")
    if writer.target.canary is None:
        click.echo(f"Add this to the target:\n\n    canary: {marker}\n")


def _catalogue() -> "Mapping[str, Client[Any]]":
    from prober.clients import catalogue

    return catalogue()


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)


def _told(error: Exception) -> str:
    """Return a fault in words: its code, and what evidence it has."""
    from prober.faults.taxonomy import FaultError

    if not isinstance(error, FaultError):
        return type(error).__name__
    evidence = " ".join(f"{name}={value}" for name, value in error.fault.evidence.items())
    return f"{error.fault.kind.code} {evidence}".strip()


class Failure(Mistake):
    """It came to nothing, and not by a mistake of the user's: one line, and exit code 1."""

    exit_code = 1


def _failed(why: str) -> Failure:
    return Failure(f"prober: {why}")


COMMAND = enroll
