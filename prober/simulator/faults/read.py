"""Reads incidents from files in the format `probe-scenarios/1`, and single faults as they come over the control.

Rule of this file: a mistake is a line with its place, and nothing begins before all are mended.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from prober.simulator.document import Document, DocumentError, Path, fields, meant, read
from prober.simulator.faults.arguments import mistake
from prober.simulator.faults.fault import CONTROL, EVERYBODY, KINDS, Fault
from prober.simulator.faults.shape import Relapse, Shape
from prober.simulator.layout import CLIENTS

FORMAT = "probe-scenarios/1"
Percent = Annotated[float, Field(ge=0, le=100, strict=False)]
Minutes = Annotated[float, Field(ge=0, le=1_000_000, strict=False)]
Names = str | list[str]


@dataclass(frozen=True, slots=True)
class Incident:
    """One incident: what goes wrong, where, for whom, and how it unfolds. Durations in minutes, 0 for no end.

    `stick` is `attempt`, `connection`, `mailbox` or `site`. `expect` is kept as it stands: judging is not the tenant's
    business. A `decoy` is something that looks like an incident of the service and is none.
    """

    id: str
    title: str = ""
    faults: tuple[Fault, ...] = ()
    regions: tuple[str, ...] = (EVERYBODY,)
    population_pct: float = 100.0
    stick: str = "attempt"
    duration_min: float = 0.0
    shape: Shape = field(default_factory=Shape)
    expect: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    decoy: bool = False


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class _Relapse(_Section):
    after_min: Minutes
    for_min: Minutes
    intensity: Annotated[float, Field(ge=0, le=1, strict=False)] = 1.0


class _Shape(_Section):
    ramp_min: Minutes = 0.0
    decay_min: Minutes = 0.0
    relapse: list[_Relapse] = []


class _Incident(_Section):
    id: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[\w.-]+$")]
    title: str = ""
    source: str = ""
    note: str = ""
    known: Any = None
    regions: Names = [EVERYBODY]
    population_pct: Percent = 100.0
    stick: Literal["attempt", "connection", "mailbox", "site"] = "attempt"
    duration_min: Minutes = 0.0
    faults: list[dict[str, Any]] = []
    shape: _Shape = _Shape()
    expect: dict[str, Any] = {}


class _Fault(BaseModel):
    model_config = ConfigDict(extra="allow", strict=True, frozen=True)

    kind: str
    client: Names = EVERYBODY
    step: Names = "any"
    pct: Percent = 100.0
    since: Literal["onset", "setup"] = "onset"
    once: bool = False
    at_token_expiry: bool = False


def read_scenarios(text: str, file: str) -> tuple[Incident, ...]:
    """Return the incidents and decoys of a file, in its order. Raises `DocumentError`."""
    document = read(text, file)
    if not isinstance(document.data, dict):
        raise DocumentError([document.problem((), f"expected a mapping with format: {FORMAT}")])
    problems = document.unknown_keys((), document.data, ("format", "scenarios", "decoys", "note"))
    if document.data.get("format") != FORMAT:
        problems.append(document.problem(("format",), f"must be {FORMAT}"))
    found = [one for key in ("scenarios", "decoys") for one in _all(document, key, problems)]
    problems += _twice(document)
    if problems:
        raise DocumentError(problems)
    return tuple(found)


def read_incident(data: Any, document: Document, path: Path = (), *, decoy: bool = False) -> Incident:
    """Return the incident that stands at `path`. Raises `DocumentError`."""
    problems: list[str] = []
    if not isinstance(data, dict):
        raise DocumentError([document.problem(path, "expected an incident, a mapping with id and faults")])
    model = _validated(_Incident, data, document, path, problems)
    faults = [_fault(one, document, (*path, "faults", n), problems) for n, one in enumerate(_listed(data, "faults"))]
    if model is None or problems:
        raise DocumentError(problems)
    return Incident(
        id=model.id,
        title=model.title or model.source,
        faults=tuple(one for one in faults if one is not None),
        regions=_names(model.regions),
        population_pct=model.population_pct,
        stick=model.stick,
        duration_min=model.duration_min,
        shape=_shape(model.shape),
        expect=MappingProxyType(model.expect),
        decoy=decoy,
    )


def read_faults(data: Any, document: Document, path: Path = ()) -> tuple[Fault, ...]:
    """Return a list of faults as the control interface takes it. Raises `DocumentError`."""
    problems: list[str] = []
    if not isinstance(data, list):
        raise DocumentError([document.problem(path, "expected a list of faults")])
    faults = [_fault(one, document, (*path, n), problems) for n, one in enumerate(data)]
    if problems:
        raise DocumentError(problems)
    return tuple(one for one in faults if one is not None)


def _all(document: Document, key: str, problems: list[str]) -> Iterable[Incident]:
    entries = document.data.get(key) or []
    if not isinstance(entries, list):
        problems.append(document.problem((key,), "expected a list"))
        return
    for number, data in enumerate(entries):
        try:
            yield read_incident(data, document, (key, number), decoy=key == "decoys")
        except DocumentError as exc:
            problems += exc.problems


def _twice(document: Document) -> Iterable[str]:
    seen: set[str] = set()
    for key in ("scenarios", "decoys"):
        for number, data in enumerate(_listed(document.data, key)):
            name = data.get("id") if isinstance(data, dict) else None
            if isinstance(name, str) and name in seen:
                yield document.problem((key, number, "id"), f"there is another {name!r}")
            seen.add(str(name))


def _listed(data: Mapping[str, Any], key: str) -> list[Any]:
    value = data.get(key)
    return value if isinstance(value, list) else []


def _fault(data: Any, document: Document, path: Path, problems: list[str]) -> Fault | None:
    if not isinstance(data, dict):
        problems.append(document.problem(path, "expected a fault, a mapping with kind"))
        return None
    before = len(problems)
    model = _validated(_Fault, data, document, path, problems)
    if model is None:
        return None
    problems += _kind_mistakes(model, data, document, path)
    clients = _names(model.client)
    problems += [
        document.problem((*path, "client"), f"unknown client {name!r}{meant(name, CLIENTS)}")
        for name in clients
        if name not in (*CLIENTS, EVERYBODY, CONTROL)
    ]
    if len(problems) > before:
        return None
    return Fault(
        model.kind,
        frozenset(clients),
        frozenset(_names(model.step)),
        model.pct,
        MappingProxyType(dict(model.model_extra or {})),
        model.since,
        model.once,
        model.at_token_expiry,
    )


def _kind_mistakes(model: _Fault, data: Mapping[str, Any], document: Document, path: Path) -> list[str]:
    kind = KINDS.get(model.kind)
    if kind is None:
        return [document.problem((*path, "kind"), f"unknown kind {model.kind!r}{meant(model.kind, KINDS)}")]
    own = (*fields(_Fault), *kind.takes)
    found = document.unknown_keys(path, data, own)
    found += [document.problem((*path, name), f"{kind.name} needs it") for name in sorted(kind.needs - set(data))]
    told = ((name, mistake(kind.name, name, data[name])) for name in sorted(kind.takes & set(data)))
    return found + [document.problem((*path, name), message) for name, message in told if message]


def _validated(model: type[Any], data: Any, document: Document, path: Path, problems: list[str]) -> Any:
    if model is _Incident:
        known = fields(_Incident)
        problems += document.unknown_keys(path, data, known)
        data = {key: value for key, value in data.items() if key in known}
    try:
        return model.model_validate(data)
    except ValidationError as exc:
        problems += document.problems(exc, path)
        return None


def _shape(model: _Shape) -> Shape:
    relapses = tuple(Relapse(one.after_min, one.for_min, one.intensity) for one in model.relapse)
    return Shape(model.ramp_min, model.decay_min, relapses)


def _names(value: Names) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)
