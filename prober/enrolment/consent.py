"""Obtains one refresh token from a person who signs in: by their browser, or by typing a code on another machine."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

from prober.enrolment.loopback import Loopback
from prober.exchange import Exchange
from prober.faults.taxonomy import FaultError, Kind, Reason
from prober.net.network import Network
from prober.protocols.oauth import consent
from prober.protocols.oauth.consent import AskDeviceCode, DeviceCode, RedeemDeviceCode
from prober.protocols.oauth.token import Granted, TokenRequest
from prober.secret import Secret
from prober.timeline import Timeline

R = TypeVar("R")
NO_REFRESH_TOKEN = Kind("consent_without_refresh_token", Reason.CLIENT_MISCONFIG)
TOO_LATE = Kind("consent_too_late", Reason.AUTH_REJECTED)


@dataclass(frozen=True, slots=True)
class Registration:
    """Who asks whom for what: base URL of the token service with its tenant, the application, and the scope."""

    base: str
    client_id: str
    scope: str
    proof: dict[str, str] = field(default_factory=dict, repr=False)

    @property
    def token_url(self) -> str:
        """The token endpoint."""
        return f"{self.base}/oauth2/v2.0/token"


async def by_browser(
    network: Network, who: Registration, show: Callable[[str], None], *, within: float = 300.0
) -> Secret:
    """Return a refresh token; `show` gets the URL to open. Raises `FaultError`."""
    state, verifier = secrets.token_urlsafe(24), Secret(secrets.token_urlsafe(64))
    async with Loopback(state) as loopback:
        url = consent.authorization_url(
            f"{who.base}/oauth2/v2.0/authorize",
            client_id=who.client_id,
            scope=who.scope,
            redirect_uri=loopback.redirect_uri,
            state=state,
            proof=consent.challenge(verifier.reveal()),
        )
        show(url)
        try:
            code = await loopback.code(within)
        except TimeoutError:
            raise FaultError(TOO_LATE, {"seconds": f"{within:.0f}"}) from None
        form = consent.by_code(who.client_id, who.scope, code, loopback.redirect_uri, verifier)
    return _refresh(await _asked(network, TokenRequest(who.token_url, {**form, **who.proof})))


async def by_device_code(
    network: Network,
    who: Registration,
    show: Callable[[DeviceCode], None],
    *,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> Secret:
    """Return a refresh token; `show` gets what a person has to type, and where. Raises `FaultError`."""
    code = await _asked(network, AskDeviceCode(f"{who.base}/oauth2/v2.0/devicecode", who.client_id, who.scope))
    show(code)
    pause, waited = code.interval, 0.0
    while waited < code.expires_in:
        await sleep(pause)
        waited += pause
        answer = await _asked(network, RedeemDeviceCode(who.token_url, who.client_id, code.device_code, who.proof))
        if isinstance(answer, Granted):
            return _refresh(answer)
        pause += answer
    raise FaultError(TOO_LATE, {"seconds": f"{waited:.0f}"})


async def _asked(network: Network, question: Exchange[R]) -> R:
    session = network.session(Timeline(network.clock))
    try:
        return question.read(await session.exchange(question.call()))
    finally:
        await session.close()


def _refresh(granted: Granted) -> Secret:
    if granted.refresh_token is None:
        raise FaultError(NO_REFRESH_TOKEN, {"scope": "without offline_access"})
    return granted.refresh_token
