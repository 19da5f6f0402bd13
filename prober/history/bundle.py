"""The evidence of one failure: what was tried, what passed, who answered, how the prober was. All may be shown."""

import json
import re
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from prober import __version__
from prober.model import Assignment, Fact, Outcome
from prober.observe import report
from prober.observe.redact import HIDDEN
from prober.observe.transcript import private
from prober.verdict import Judgement

IDS = MappingProxyType({"request_id": "request-id", "client_request_id": "client-request-id"})
"""Facts that are ids of requests, by the header field that has them on the wire. Of one that nobody answered, the fact
is all there is."""
IN_SHORT = ("origin", "started_at", "verdict", "reason", "code", "blame", "step", "duration_seconds", "counted")
SERVERS = ("data_center", "front_end", "back_end", "edge", "site", "served_by", "region", "forest")
ADDRESSES = ("resolved", "address")
AADSTS = MappingProxyType(
    {"aadsts": "code", "trace_id": "trace_id", "correlation_id": "correlation_id", "timestamp": "timestamp"}
)


class Origin(StrEnum):
    """What failed: an attempt of the schedule, a second look, one that somebody asked for, a held push channel."""

    SCHEDULE = "schedule"
    SECOND_LOOK = "second_look"
    PROBE = "probe"
    PUSH = "push"


def summary(made: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a list of failures says of the one that this is the bundle of."""
    return {name: made[name] for name in IN_SHORT}


def bundle(
    assignment: Assignment,
    outcome: Outcome,
    judgement: Judgement,
    *,
    vantage: str,
    same_as: str | None = None,
    origin: Origin = Origin.SCHEDULE,
) -> dict[str, Any]:
    """Return all there is: the object that `once` prints, `origin`, `step` (where it broke), `counted`, and `evidence`.

    `counted` is whether it is among the failures that availability is made of: what no schedule wanted never is.
    `same_as` is the id of a failure like this one shortly before, which has the transcript for both.
    """
    told = report.as_json(outcome, judgement)
    broken = outcome.failure
    evidence: dict[str, Any] = {
        "depth": assignment.depth.value,
        "environment": assignment.target.environment.value,
        "waterfall": report.text(assignment, outcome, judgement).splitlines(),
        "request_ids": {},
        "servers": _by_name(told, SERVERS),
        "addresses": _addresses(told),
        "aadsts": _aadsts(told),
        "prober": {"vantage": vantage, "version": __version__, **(outcome.aside.prober if outcome.aside else {})},
        "transcript": [],
        "same_as": same_as,
    }
    recording = outcome.aside.recording if outcome.aside else None
    if recording is not None:
        evidence["request_ids"] |= {header: list(values) for header, values in recording.request_ids().items()}
        evidence["servers"] |= {header: list(values) for header, values in recording.servers().items()}
        if same_as is None:
            evidence["transcript"] = list(recording.lines())
    _add_ids(evidence["request_ids"], told)
    where = broken.step if broken else None
    counted = judgement.counted and origin is Origin.SCHEDULE
    return told | {"origin": origin.value, "step": where, "counted": counted, "evidence": evidence}


def written(assignment: Assignment, made: Mapping[str, Any]) -> str:
    """Return a bundle as it is kept: JSON in which nobody's names are, wherever they stood."""
    text = json.dumps(made, ensure_ascii=False)
    mailbox, _, canary = private(assignment)
    names = [re.escape(json.dumps(one, ensure_ascii=False)[1:-1]) for one in (mailbox, canary) if len(one) > 2]
    return re.sub("|".join(names), HIDDEN, text, flags=re.IGNORECASE) if names else text


def _add_ids(ids: dict[str, list[Fact]], told: Mapping[str, Any]) -> None:
    """Add to the ids that were seen to pass those that only the steps know of."""
    for name, values in _by_name(told, tuple(IDS)).items():
        seen = {value for some in ids.values() for value in some}
        new = [value for value in values if value not in seen]
        if new:
            ids.setdefault(IDS[name], []).extend(new)


def _by_name(told: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, list[Fact]]:
    """Return the facts of those names from all steps, each value once."""
    found: dict[str, list[Fact]] = {}
    for step in told["steps"]:
        for name in names:
            value = step["evidence"].get(name)
            if value is not None and value not in found.setdefault(name, []):
                found[name].append(value)
    return {name: values for name, values in found.items() if values}


def _addresses(told: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return, of every step that opened a connection, what the name resolved to and which address was taken."""
    return [
        {
            "step": step["step"],
            "resolved": str(step["evidence"].get("resolved", "")).split(),
            "connected": step["evidence"].get("address"),
        }
        for step in told["steps"]
        if any(name in step["evidence"] for name in ADDRESSES)
    ]


def _aadsts(told: Mapping[str, Any]) -> dict[str, Fact] | None:
    """Return what the sign-in service said of its refusal, `None` where it refused nothing."""
    for step in told["steps"]:
        if "aadsts" in step["evidence"]:
            return {name: step["evidence"][key] for key, name in AADSTS.items() if key in step["evidence"]}
    return None
