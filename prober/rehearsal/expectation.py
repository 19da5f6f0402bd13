"""What an incident must look like to the prober, and whether it did. The rules are those of the drill's contract.

Rule of this file: it judges what was recorded; nothing here plays, waits or knows how an incident was made.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from prober.faults.taxonomy import Reason
from prober.rehearsal.groups import MINUTE, WELL, Group, Groups
from prober.rehearsal.ledger import Entry, Ledger, Touch, touched
from prober.vocabulary import Verdict

ALL = "all"
CONTROL = "control"
ENOUGH = 0.95
"""Share of attempts that must be as expected."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """What a scenario expects. `red` and `green` name clients as `client`, `client@region`, `all` or `all@region`.

    `classes` are values of the reason label. `verdict` is set for decoys. `recovery`: whether what turned red must be
    well again in the end.
    """

    red: tuple[str, ...] = ()
    green: tuple[str, ...] = ()
    classes: frozenset[str] = frozenset()
    verdict: str = ""
    recovery: bool = False


@dataclass(frozen=True, slots=True)
class Played:
    """What was recorded of one incident. `onset` is when its fault began; `site_of` gives a target's site.

    `clients` are those that took part, the control left out.
    """

    clients: tuple[str, ...]
    ledger: Ledger
    groups: Groups
    onset: float
    touches: tuple[Touch, ...]
    site_of: Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Finding:
    """One expectation, what was observed instead or likewise, and whether it held. `detected`: minutes from onset."""

    expected: str
    observed: str
    holds: bool
    detected: float | None = None


def expectation(expect: Mapping[str, Any], *, recovery: bool) -> Expectation:
    """Return the `expect` section of a scenario. Raises `ValueError` for a class or verdict that there is not."""
    classes, verdict = frozenset(map(str, expect.get("class") or ())), str(expect.get("verdict") or "")
    unknown = sorted(classes - set(Reason)) + sorted({verdict} - {"", *Verdict})
    if unknown:
        raise ValueError(f"{unknown[0]!r} is neither a class nor a verdict")
    return Expectation(
        tuple(map(str, expect.get("red") or ())),
        tuple(map(str, expect.get("green") or ())),
        classes,
        verdict,
        recovery,
    )


def clients_named(names: Iterable[str]) -> Iterator[str]:
    """Give the clients that `red` or `green` mention by name."""
    found = (name.partition("@")[0] for name in names)
    return (client for client in found if client != ALL)


def regions_named(names: Iterable[str]) -> frozenset[str]:
    """Return the regions that `red` or `green` mention."""
    return frozenset(name.partition("@")[2] for name in names if "@" in name)


def groups_named(names: Iterable[str], clients: Collection[str]) -> tuple[Group, ...]:
    """Return the groups that `names` mean; `all` means every one of `clients`."""
    found: list[Group] = []
    for name in names:
        client, _, region = name.partition("@")
        found += [Group(one, region) for one in (clients if client == ALL else (client,))]
    return tuple(dict.fromkeys(found))


def judge(expected: Expectation, played: Played) -> tuple[Finding, ...]:
    """Return one finding per expectation, in the order in which a scenario states them."""
    red = groups_named(expected.red, played.clients)
    findings = [_red(group, played) for group in red]
    findings += [_green(group, played) for group in groups_named(expected.green, played.clients) if group not in red]
    if expected.verdict:
        findings += _decoy(expected, played)
    elif expected.classes:
        findings.append(_classes(expected.classes, red, played))
    if expected.recovery:
        findings.append(_recovery(played))
    return tuple(findings)


def _red(group: Group, played: Played) -> Finding:
    at = played.groups.failed_at(group, played.onset)
    if at is None:
        return Finding(f"red {group}", _tally(group, played), holds=False)
    after = (at - played.onset) / MINUTE
    return Finding(f"red {group}", f"failing after {after:.1f} min", holds=True, detected=after)


def _green(group: Group, played: Played) -> Finding:
    at = played.groups.failed_at(group, float("-inf"))
    if at is None:
        return Finding(f"green {group}", "never failing", holds=True)
    after = (at - played.onset) / MINUTE
    return Finding(f"green {group}", f"failing after {after:.1f} min, {_tally(group, played)}", holds=False)


def _tally(group: Group, played: Played) -> str:
    """Say what came of the group's attempts since the onset."""
    counts = Counter(entry.judgement.verdict for entry in _of((group,), played))
    said = ", ".join(f"{count} {verdict}" for verdict, count in counts.most_common())
    return f"{_named(group, played)}: {said or 'no attempts'}"


def _named(group: Group, played: Played) -> str:
    return played.groups.state(group).name.lower().replace("_", " ")


def _of(groups: Collection[Group], played: Played) -> list[Entry]:
    """Return the attempts since the onset that belong to one of `groups`."""
    wanted = {(group.client, group.region) for group in groups}
    return [
        entry
        for entry in played.ledger.since(played.onset)
        if {(entry.assignment.client, ""), (entry.assignment.client, entry.assignment.target.region)} & wanted
    ]


def _classes(classes: frozenset[str], red: tuple[Group, ...], played: Played) -> Finding:
    """Judge the reasons of counted failures: each listed one but `slow` occurs, and nearly all are listed ones."""
    seen = Counter(
        str(entry.judgement.reason) for entry in _of(red, played) if entry.judgement.verdict is Verdict.FAILED
    )
    wanted = classes - {Reason.SLOW.value}
    holds = wanted <= seen.keys() and _share(seen, classes) >= ENOUGH
    return Finding(f"class {_listed(classes)}", _counted(seen), holds=holds)


def _decoy(expected: Expectation, played: Played) -> list[Finding]:
    hit = [one for one in touched(played.ledger.since(played.onset), played.touches, played.site_of) if _probe(one)]
    verdicts = Counter(entry.judgement.verdict.value for entry in hit)
    red = played.groups.alarms
    findings = [
        Finding("nothing red", f"red: {', '.join(red)}" if red else "nothing red", holds=not red),
        Finding(
            f"verdict {expected.verdict}", _counted(verdicts), holds=_share(verdicts, {expected.verdict}) >= ENOUGH
        ),
    ]
    if expected.classes:
        reasons = Counter(str(entry.judgement.reason) for entry in hit)
        holds = _share(reasons, expected.classes) >= ENOUGH
        findings.append(Finding(f"class {_listed(expected.classes)}", _counted(reasons), holds=holds))
    return findings


def _probe(entry: Entry) -> bool:
    """Whether the attempt is a client's: the control is there to fail when the way out is shut."""
    return entry.assignment.client != CONTROL


def _ever_red(group: Group, played: Played) -> bool:
    return played.groups.failed_at(group, float("-inf")) is not None


def _recovery(played: Played) -> Finding:
    was_red = [group for group in played.groups if group.client != CONTROL and _ever_red(group, played)]
    ill = [group for group in was_red if played.groups.state(group) not in WELL]
    said = ", ".join(f"{group} {_named(group, played)}" for group in ill)
    return Finding("recovery", said or "all healthy", holds=not ill)


def _share(seen: Counter[str], wanted: Collection[str]) -> float:
    total = seen.total()
    return sum(seen[name] for name in wanted) / total if total else 0.0


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))


def _counted(seen: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in seen.most_common()) or "none"
