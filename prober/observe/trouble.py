"""What the detector thinks, on the status page and in the status data: in words, with the next best explanation."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from prober.detect.attribution import Explanation, Ranked
from prober.detect.detector import Detector
from prober.detect.explain import sentence
from prober.detect.group import Group, GroupKind, State
from prober.observe.markup import escaped, listing, section, signed

QUIET = frozenset({State.HEALTHY, State.LEARNING, State.NO_DATA})


class TroublePanel:
    """A part of the status page with nothing to do in it. `detector` gives the one that is in force."""

    name = "detector"
    place = "above"
    routes: Sequence[Any] = ()

    def __init__(self, detector: Callable[[], Detector]) -> None:
        self._detector = detector

    def page(self) -> str:
        """Return what fails, and one line for every client that is in trouble; nothing where none is."""
        found = [f"<b>{escaped(one.words)}</b>" for one in self._detector().explanations().values()]
        lines = [f"{signed(_state(one))} {escaped(self._sentence(one))}" for one in self._telling()]
        return section("detector", "Alarms", listing(found + lines, "alarms"))

    def data(self) -> dict[str, Any]:
        """Return every group that is not plainly well, and what is thought to fail in each environment."""
        return {
            "groups": [self._group(one) for one in self._detector().groups if one.state not in QUIET],
            "explanations": [
                {"environment": environment.value, **_explained(found)}
                for environment, found in self._detector().explanations().items()
            ],
        }

    def _telling(self) -> list[Group]:
        firing = [one for one in self._detector().groups if one.firing]
        return [one for one in firing if one.kind is GroupKind.CLIENT] or firing

    def _sentence(self, group: Group) -> str:
        return sentence(group, self._detector().policy.budget, self._detector().last_update)

    def _group(self, group: Group) -> dict[str, Any]:
        change = group.evidence.change
        return {
            "group_kind": group.kind.value,
            "group": group.name,
            "state": group.state.name.lower(),
            "evidence_ratio": round(group.ratio, 6),
            "since": datetime.fromtimestamp(change, UTC).isoformat(timespec="seconds") if change else None,
            "because": self._sentence(group) if change else None,
        }


def _state(group: Group) -> str:
    return group.state.name.lower().replace("_", " ")


def _explained(found: Explanation) -> dict[str, Any]:
    return {
        "words": found.words,
        "clients": list(found.clients),
        "vantages": list(found.locations),
        "step": found.step,
        "probability": round(found.probability, 4),
        "failures": found.failures,
        "transactions": found.transactions,
        "runner_up": dict(_ranked(found.runner_up)) if found.runner_up else None,
    }


def _ranked(one: Ranked) -> Iterator[tuple[str, Any]]:
    clients, locations, probability = one
    yield "clients", list(clients)
    yield "vantages", list(locations)
    yield "probability", round(probability, 4)
