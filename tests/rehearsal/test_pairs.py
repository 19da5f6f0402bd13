"""Two faults at once: whether exactly the domains that explain them are blamed.

The full set is made of what the matrix proves about each fault alone; a sample of it is played against the tenant by
the real prober.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import product
from pathlib import Path

import pytest

from prober.blame.blame import Blame
from prober.blame.evidence import Record, read
from prober.blame.solver import solve
from prober.faults.taxonomy import Reason
from prober.model import Assignment, Outcome, Target
from prober.simulator.tenant import Site
from prober.verdict import Judgement
from prober.vocabulary import Depth, Domain, Environment, Verdict
from tests.rehearsal.faults import Cell
from tests.rehearsal.made import outcome
from tests.rehearsal.pairs import BY_WIRE, EVERYBODY, REGIONS, Pair, Trouble, met, pairs
from tests.rehearsal.theatre import Theatre

pytestmark = pytest.mark.long(30)
ATTEMPTS = 5
"""As many of an assignment as are of late, one in an interval."""
PLAYED, APART = 10, 30
"""Pairs played against the tenant, and pairs of which each half is in an environment of its own."""
RIGHT = 0.95
REASONS: Mapping[str, Reason] = {reason.value: reason for reason in Reason}
ONLINE, SERVER = Environment.EXCHANGE_ONLINE, Environment.EXCHANGE_SERVER
Where = Mapping[tuple[str, str], Assignment]


@cache
def assignments(environment: Environment = ONLINE) -> Where:
    """Return every client at one mailbox of every region, and the sign-in, which goes no deeper than a token."""
    found = {}
    for client, region in product((*EVERYBODY, "m365_signin"), REGIONS):
        where = Target(f"{environment} {region}", environment, f"probe@{region}.example", region=region)
        depth = Depth.TOKEN if client == "m365_signin" else Depth.MAILBOX
        found[client, region] = Assignment(client, where, depth, 60.0, 60.0)
    return found


@cache
def finished(
    client: str, region: str, cell: Cell | None, environment: Environment = ONLINE
) -> tuple[Outcome, Judgement]:
    """Return an attempt that came to this."""
    one = assignments(environment)[client, region]
    if cell is None:
        return outcome(one), Judgement(Verdict.OK)
    judgement = Judgement(Verdict(cell.verdict), REASONS[cell.reason], cell.fault, Domain(cell.domain))
    return outcome(one, judgement.reason, {cell.step: 1.0}), judgement


@cache
def record(client: str, region: str, cell: Cell | None) -> Record | None:
    """Return what it says."""
    return read(assignments()[client, region], *finished(client, region, cell), 0.0)


def story(pair: Pair, share: float) -> Iterator[Record]:
    """Yield what the newest attempts say, of which `share` were struck by what there was to strike them."""
    dice = random.Random(str(pair))
    for client, region in assignments():
        for attempt in range(ATTEMPTS):
            cell = met(pair, client, region) if dice.random() < share else None
            found = record(client, region, cell)
            if found is not None:
                yield found._replace(at=60.0 * attempt)


def blamed(pair: Pair, share: float = 1.0) -> set[str]:
    """Return whom the solver names."""
    return {finding.domain.value for finding in solve(tuple(story(pair, share)))}


def right(pair: Pair) -> set[str]:
    """Return whom it should name."""
    return {trouble.right for trouble in pair}


def rate(what: str, misses: Sequence[str], total: int) -> float:
    """Return the share that is no miss, and print it with the first misses."""
    found = 1 - len(misses) / total
    print(f"\n{what}: {found:.1%} of {total} pairs", *misses[:20], sep="\n")  # noqa: T201 - the figure itself
    return found


def missed(pair: Pair, found: set[str]) -> str:
    """Say what was missed."""
    return f"{pair[0]}, {pair[1]}: {sorted(found)} where {sorted(right(pair))} is right"


def test_exactly_the_domains_that_explain_both_are_blamed() -> None:
    """In every pair in which neither hides the other; each domain with every other."""
    every = list(pairs())
    misses = [missed(pair, found) for pair in every if (found := blamed(pair)) != right(pair)]
    assert rate("blame is right in", misses, len(every)) >= RIGHT
    assert len({frozenset(right(pair)) for pair in every}) == len(Domain) * (len(Domain) - 1) / 2


def test_who_is_innocent_is_not_blamed_for_what_comes_and_goes() -> None:
    """With every second attempt struck, five attempts may not show a fault of one mailbox; none is made up."""
    every = list(pairs())[::4]
    found = {pair: blamed(pair, 0.5) for pair in every}
    rate("half struck, right in", [missed(pair, one) for pair, one in found.items() if one != right(pair)], len(every))
    made_up = [missed(pair, one) for pair, one in found.items() if one - right(pair)]
    assert rate("half struck, nobody innocent blamed in", made_up, len(every)) >= RIGHT


def test_an_environment_never_blames_another() -> None:
    """Each half of a pair in its own: there is blamed what is there, and nothing else."""
    for first, second in _sample(list(pairs()), APART):
        blame = Blame([*assignments(ONLINE).values(), *assignments(SERVER).values()], lambda *_: None, wall=lambda: 0.0)
        for environment, trouble in ((ONLINE, first), (SERVER, second)):
            _tell(blame, environment, trouble)
        found = {one: {finding.domain.value for finding in blame.findings(one)} for one in (ONLINE, SERVER)}
        assert found == {ONLINE: {first.right}, SERVER: {second.right}}, (str(first), str(second))


def _tell(blame: Blame, environment: Environment, trouble: Trouble) -> None:
    for (client, region), one in assignments(environment).items():
        for _ in range(2):
            blame(one, *finished(client, region, met((trouble, trouble), client, region), environment))


def _sample(every: Sequence[Pair], count: int) -> Sequence[Pair]:
    return random.Random(5).sample(every, count)


def _can_be_played(trouble: Trouble) -> bool:
    """Whether the tenant can do it: it does nothing to the prober itself, and has one token service for all regions."""
    of_tokens = trouble.cause in ("identity", "policy")
    return trouble.cause in BY_WIRE and (not of_tokens or trouble.regions == REGIONS)


def test_what_the_tenant_acts_out_is_blamed_as_well(tmp_path: Path) -> None:
    """By the real prober, with two attempts of every client in two regions."""
    theatre = Theatre(tmp_path, (Site("ams1", "eu", "AMS"), Site("iad1", "na", "IAD")))
    can = [pair for pair in pairs() if all(map(_can_be_played, pair))]
    misses = []
    for pair in _sample(can, PLAYED):
        blame = Blame(theatre.settings.assignments, lambda *_: None, wall=lambda: 0.0)
        theatre.rounds([trouble.incident for trouble in pair], 2, blame)
        found = {finding.domain.value for finding in blame.findings(ONLINE)}
        misses += [missed(pair, found)] if found != right(pair) else []
    theatre.close()
    assert rate("played, right in", misses, PLAYED) >= RIGHT
