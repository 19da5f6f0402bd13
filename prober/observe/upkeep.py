"""What somebody has to look after: push channels that are open or not, tokens, secrets and certificates that end.

Rule of this file: words and times only; a secret is never seen here.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

from prober.faults.taxonomy import Reason
from prober.observe.markup import escaped, section, signed, table, time
from prober.observe.status import Row


class Channel(Protocol):
    """How a push channel fares; `open_since` in epoch seconds, `None` while it is not open."""

    @property
    def client(self) -> str:
        """The client."""

    @property
    def target(self) -> str:
        """The target."""

    @property
    def open_since(self) -> float | None:
        """Since when it is open."""

    @property
    def opened(self) -> int:
        """How often it was opened."""

    @property
    def losses(self) -> int:
        """How often it was lost, as far as that counts."""

    @property
    def loss(self) -> str:
        """The reason of the last loss, or the empty text."""


class PushPanel:
    """A part of the status page with nothing to do in it: every push channel."""

    name = "push"
    place = "below"
    routes: Sequence[Any] = ()

    def __init__(self, channels: Callable[[], Iterable[Channel]]) -> None:
        self._channels = channels

    def page(self) -> str:
        """Return a table, nothing where no channel is held."""
        rows = (
            (
                escaped(f"{one['client']} on {one['target']}"),
                _channel(one),
                str(one["losses"]),
                escaped(one["loss"] or ""),
            )
            for one in self.data()
        )
        return section(
            "push", "Push channels", table("Push channels", ("channel", "state (UTC)", "lost", "last loss"), rows)
        )

    def data(self) -> list[dict[str, Any]]:
        """Return every channel: open or not, since when, how often opened and lost, and why last."""
        return [
            {
                "client": one.client,
                "target": one.target,
                "open": one.open_since is not None,
                "since": _iso(one.open_since),
                "opened": one.opened,
                "losses": one.losses,
                "loss": one.loss or None,
            }
            for one in self._channels()
        ]


def _channel(one: Mapping[str, Any]) -> str:
    if one["open"]:
        return f"{signed('open')} since {time(one['since'], short=True)}"
    return signed("closed") if one["opened"] else signed("not open yet")


class ExpiryPanel:
    """Tokens and secrets of every credential, and certificates of every target. It is a token observer.

    `secrets`: when the secret of each credential ends, where that is known.
    """

    name = "expiry"
    place = "below"
    routes: Sequence[Any] = ()

    def __init__(self, secrets: Mapping[str, datetime | None], rows: Callable[[], Iterable[Row]]) -> None:
        self._secrets = dict(secrets)
        self._rows = rows
        self._tokens: dict[str, float] = {}
        self._refusals: dict[str, str] = {}

    def configure(self, secrets: Mapping[str, datetime | None]) -> None:
        """Show these credentials, and no others, from now on."""
        self._secrets = dict(secrets)
        self._tokens = {name: end for name, end in self._tokens.items() if name in secrets}
        self._refusals = {name: why for name, why in self._refusals.items() if name in secrets}

    def requested(self, credential: str) -> None:
        """Take no note of it: only what came of it is shown."""

    def failed(self, credential: str, reason: Reason) -> None:
        """The token service issued none."""
        self._refusals[credential] = reason.value

    def issued(self, credential: str, expires_at: float) -> None:
        """It issued one; `expires_at` in epoch seconds."""
        self._tokens[credential] = expires_at
        self._refusals.pop(credential, None)

    def page(self) -> str:
        """Return two tables, nothing where there is nothing that ends."""
        found = self.data()
        credentials = (
            (escaped(one["credential"]), _end(one["token_expires_at"]), _end(one["secret_expires_at"]), _refusal(one))
            for one in found["credentials"]
        )
        certificates = ((escaped(one["target"]), _end(one["not_after"])) for one in found["certificates"])
        body = table(
            "Credentials", ("credential", "token until (UTC)", "secret until (UTC)", "last request"), credentials
        )
        return section(
            "expiry",
            "What ends when",
            body + table("Certificates", ("target", "certificate until (UTC)"), certificates),
        )

    def data(self) -> dict[str, Any]:
        """Return per credential when token and secret end, and per target when the first certificate ends."""
        credentials = [
            {
                "credential": name,
                "token_expires_at": _iso(self._tokens.get(name)),
                "secret_expires_at": _iso(ends.timestamp() if ends else None),
                "failed": self._refusals.get(name),
            }
            for name, ends in self._secrets.items()
        ]
        return {"credentials": credentials, "certificates": self._certificates()}

    def _certificates(self) -> list[dict[str, str]]:
        ends: dict[str, str] = {}
        for row in self._rows():
            if row.certificate_not_after:
                ends[row.target] = min(ends.get(row.target, row.certificate_not_after), row.certificate_not_after)
        return [{"target": target, "not_after": end} for target, end in ends.items()]


def _end(moment: str | None) -> str:
    return time(moment) if moment else "<span class=quiet>not known</span>"


def _refusal(one: Mapping[str, Any]) -> str:
    return f"{signed('failed')} {escaped(one['failed'])}" if one["failed"] else signed("ok")


def _iso(epoch: float | None) -> str | None:
    return None if epoch is None else datetime.fromtimestamp(epoch, UTC).isoformat(timespec="seconds")
