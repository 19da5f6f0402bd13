"""A bundle of evidence as text that can be pasted into a support case as it is."""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from prober.history.bundle import Origin

WIDTH = 22
ORIGINS: Mapping[str, str] = MappingProxyType(
    {
        Origin.SCHEDULE: "an attempt of the schedule",
        Origin.SECOND_LOOK: "a second look after a failure",
        Origin.PROBE: "an attempt asked for by /probe",
        Origin.PUSH: "a push channel that was held open",
    }
)
DONE = "What was done (d dns, c connect, t tls, s send, w wait, r receive)"
PASSED = "What passed (milliseconds, > said, < heard, ! how it ended; secrets, names and contents are starred)"


def text(made: Mapping[str, Any]) -> str:
    """Return a bundle, with its `id`, as plain text that ends with a newline."""
    evidence = made["evidence"]
    parts = [
        list(_head(made, evidence)),
        ["For the operator of the service", *_identifiers(evidence)],
        [DONE, *(f"  {line}" for line in evidence["waterfall"])],
        [PASSED, *_transcript(evidence)],
        ["The prober at that time", *(_line(name, value) for name, value in evidence["prober"].items())],
    ]
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def _head(made: Mapping[str, Any], evidence: Mapping[str, Any]) -> Iterator[str]:
    yield f"Failed client access, evidence {made['id']}"
    yield _line("client", f"{made['client']} ({evidence['environment']}, {evidence['depth']})")
    yield _line("target", made["target"])
    yield _line("seen by", ORIGINS[made.get("origin", Origin.SCHEDULE)])
    yield _line("started (UTC)", made["started_at"])
    yield _line("took", f"{made['duration_seconds']:.3f} s")
    yield _line("broke at", made["step"])
    yield _line("verdict", f"{made['verdict']}: {made['reason']} ({made['code']}), blame {made['blame']}")
    yield _line("because", made["because"])


def _identifiers(evidence: Mapping[str, Any]) -> Iterator[str]:
    aadsts = evidence["aadsts"]
    if aadsts:
        yield _line("sign-in error", f"AADSTS{aadsts['code']}")
        yield from (_line(name.replace("_", " "), value) for name, value in aadsts.items() if name != "code")
    for section in ("request_ids", "servers"):
        for name, values in evidence[section].items():
            yield from map(_line, (name, *[""] * len(values)), values)
    for one in evidence["addresses"]:
        resolved = ", ".join(one["resolved"])
        yield _line(f"address ({one['step']})", f"{one['connected'] or 'none'}{f', of {resolved}' if resolved else ''}")
    if not any((aadsts, evidence["request_ids"], evidence["servers"], evidence["addresses"])):
        yield "  no server was reached"


def _transcript(evidence: Mapping[str, Any]) -> Sequence[str]:
    if evidence["same_as"]:
        return [f"  as in evidence {evidence['same_as']}, shortly before"]
    return [f"  {line}" for line in evidence["transcript"]] or ["  nothing passed that was taken down"]


def _line(name: str, value: object) -> str:
    return f"  {name:<{WIDTH}} {value}"
