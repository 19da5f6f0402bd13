"""What has been withdrawn, and since when: an old path that refuses is retired, not down; one still open is a risk.

Rule of this file: data with dates, and nothing that decides. Where a date moves, a row changes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType

from prober.vocabulary import Environment


@dataclass(frozen=True, slots=True)
class Retirement:
    """One protocol, version or way to sign in that a service withdraws.

    `refused_since`: from when on its refusal is the service's intention; `gone_by`: when it is to be removed for good,
    where that has been announced. `codes` are the kinds of fault that say so. `source` names the announcement.
    """

    name: str
    what: str
    environment: Environment
    refused_since: datetime
    gone_by: datetime | None
    codes: frozenset[str]
    source: str

    def explains(self, code: str, environment: Environment, when: datetime) -> bool:
        """Whether a fault of kind `code` at `when` (aware) is this retirement."""
        return environment is self.environment and code in self.codes and when >= self.refused_since


def _day(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, tzinfo=UTC)


RETIREMENTS: Mapping[str, Retirement] = MappingProxyType(
    {
        one.name: one
        for one in (
            Retirement(
                "eas_below_16_1",
                "Exchange ActiveSync below version 16.1",
                Environment.EXCHANGE_ONLINE,
                _day(2026, 3, 1),
                None,
                frozenset({"eas_version_retired"}),
                "message centre MC1197103",
            ),
            Retirement(
                "ews",
                "Exchange Web Services",
                Environment.EXCHANGE_ONLINE,
                _day(2026, 10, 1),
                _day(2027, 4, 1),
                frozenset({"ews_retired"}),
                "message centre MC1227454",
            ),
            Retirement(
                "basic",
                "Basic authentication",
                Environment.EXCHANGE_ONLINE,
                _day(2023, 1, 1),
                None,
                frozenset({"basic_retired"}),
                "Deprecation of Basic authentication in Exchange Online",
            ),
        )
    }
)
"""By the name under which an old path that is still open is exported."""


def explanation(code: str, environment: Environment, when: datetime) -> Retirement | None:
    """Return the retirement that a fault of kind `code` at `when` (aware) is, if it is one."""
    return next((one for one in RETIREMENTS.values() if one.explains(code, environment, when)), None)
