"""Whom to blame: a gauge per environment and domain, and the reasons in words on the status page."""

from collections.abc import Sequence
from typing import Any

from prober.blame.blame import Blame
from prober.observe.markup import escaped, listing, section
from prober.observe.metrics import Metrics
from prober.vocabulary import Domain, Environment


class BlameMetrics:
    """The gauge; every domain of every environment is there from the start."""

    def __init__(self, metrics: Metrics) -> None:
        self._family = metrics.family("clientaccess_blame")

    def __call__(self, environment: Environment, domain: Domain, blamed: bool) -> None:  # noqa: FBT001 - a gauge's value
        """Whether `domain` is to be blamed in `environment`."""
        self._family.labels(environment.value, domain.value).set(1 if blamed else 0)


class BlamePanel:
    """A part of the status page with nothing to do in it."""

    name = "blame"
    place = "above"
    routes: Sequence[Any] = ()

    def __init__(self, blame: Blame) -> None:
        self._blame = blame

    def page(self) -> str:
        """Return one line for every domain that is to be blamed; nothing where none is."""
        return section("blame", "Most probably to blame", listing(map(_line, self.data()), "blamed"))

    def data(self) -> list[dict[str, str]]:
        """Return every domain that is to be blamed, where, and why."""
        return [
            {"environment": environment.value, "domain": finding.domain.value, "because": finding.because}
            for environment in self._blame.environments
            for finding in self._blame.findings(environment)
        ]


def _line(found: dict[str, str]) -> str:
    environment, domain, because = (escaped(found[name]) for name in ("environment", "domain", "because"))
    return f"<b>{domain}</b> in {environment}: {because}."
