"""The configuration as the rest of the prober sees it: one frozen record, already checked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType

from prober.identity.spec import CredentialSpec
from prober.model import Assignment
from prober.net.route import Route
from prober.secret import SecretSource


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake: `file:line:column: dotted.path: message`, without a path where the file itself is meant."""

    file: str
    line: int
    column: int
    path: str
    message: str

    def __str__(self) -> str:
        path = f"{self.path}: " if self.path else ""
        return f"{self.file}:{self.line}:{self.column}: {path}{self.message}"


class ConfigurationError(Exception):
    """All mistakes of a configuration, in the order in which they stand there."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class PacingSettings:
    """Starts per second, evenly spaced, of one credential at one host; `ceiling` is the most in any one second."""

    rate: float = 10.0
    ceiling: int = 20


@dataclass(frozen=True, slots=True)
class DetectorSettings:
    """How sure a page must be. `budget`: days between two false pages; `second_looks`: whether they are taken."""

    budget: float = 30.0
    guaranteed: bool = False
    second_looks: bool = True


@dataclass(frozen=True, slots=True)
class HistorySettings:
    """How much is kept of the past: seconds of counts, seconds of failures with their evidence, megabytes in all."""

    counts: float = 8 * 86400.0
    failures: float = 30 * 86400.0
    megabytes: int = 64


@dataclass(frozen=True, slots=True)
class MaintenanceWindow:
    """Attempts inside are excluded. `every` repeats the window for ever. No targets named means all."""

    start: datetime
    end: datetime
    every: timedelta | None = None
    targets: frozenset[str] = frozenset()

    def active(self, target: str, when: datetime) -> bool:
        """Whether the window is open for `target` at `when` (an aware time)."""
        if self.targets and target not in self.targets:
            return False
        since = when - self.start
        if self.every is not None and since >= timedelta(0):
            since %= self.every
        return timedelta(0) <= since < self.end - self.start


@dataclass(frozen=True, slots=True)
class ServiceHealthSettings:
    """How Microsoft's own notices are read: whose credential, how often (seconds), where, of which services."""

    credential: str
    interval: float
    url: str
    services: tuple[str, ...]
    route: Route


@dataclass(frozen=True, slots=True)
class HttpList:
    """A list of targets to fetch: `label` stands for it in metrics; seconds between two fetches, and for one whole one.

    A `token` is shown as a bearer's, `username` and `password` by Basic authentication.
    """

    label: str
    url: str
    interval: float
    timeout: float
    route: Route
    token: SecretSource | None = None
    username: str = ""
    password: SecretSource | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything configured. Mappings are read-only.

    `routes` is by target name, controls included. `control_of` names, per target, the target of the control that takes
    the same way out. `fingerprints` is by `Assignment.key`: a hash of all that is configured for it and decides whether
    and how an attempt gets through, secrets left out. `budgets` are the limits by name. `redacted` is the
    configuration as YAML, fit to be shown. `files` are those whose content is a part of it, by name, secrets that are
    read when they are needed left out. `patterns` mean the files in which targets were discovered, `lists` are to be
    fetched.
    """

    vantage: str
    storage_path: str | None
    assignments: tuple[Assignment, ...]
    credentials: Mapping[str, CredentialSpec]
    routes: Mapping[str, Route]
    token_route: Route
    control_of: Mapping[str, str]
    control_interval: float
    fingerprints: Mapping[str, str]
    pacing: PacingSettings = field(default_factory=PacingSettings)
    budgets: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    detector: DetectorSettings = field(default_factory=DetectorSettings)
    history: HistorySettings = field(default_factory=HistorySettings)
    user_agent: str = ""
    label_names: tuple[str, ...] = ()
    maintenance: tuple[MaintenanceWindow, ...] = ()
    service_health: ServiceHealthSettings | None = None
    workers: int = 1
    redacted: str = field(default="", repr=False)
    files: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    lists: tuple[HttpList, ...] = ()
