"""Which clients fail from where: against every rectangle there is, by hand, and on the fleet of the benchmark."""

import json
from collections.abc import Iterable, Mapping
from math import exp, log
from random import Random
from statistics import mean

import pytest

from prober.detect.attribution import EXACT, Attribution, Explanation
from prober.detect.mixture import ratios

HEALTHY = 0.0006
GOOD = tuple(log(one) for one in ratios(0.0002, 0.98, HEALTHY, failed=False)[1])
BAD = tuple(log(one) for one in ratios(0.0002, 0.98, HEALTHY, failed=True)[1])
START = 1_800_000_000.0
MOBILE = {"mobile": frozenset({"c0", "c1"})}

Cell = tuple[str, str]


def grid(clients: int, locations: int) -> list[Cell]:
    """Return every cell of a fleet whose clients are all seen from everywhere."""
    return [(f"c{client}", f"v{location}") for client in range(clients) for location in range(locations)]


class Fleet:
    """Cells that are looked at every thirty seconds, some of which fail at some rate."""

    def __init__(self, cells: list[Cell], families: Mapping[str, frozenset[str]] = MOBILE, seed: int = 1) -> None:
        self.cells = cells
        self.attribution = Attribution(cells, families)
        self.random = Random(seed)
        self.now = START

    def run(self, minutes: float, rates: Mapping[Cell, float], step: str = "login") -> Explanation | None:
        """Let time pass; return what is thought of it at the end."""
        for _ in range(round(minutes * 2)):
            for index, cell in enumerate(self.cells):
                failed = self.random.random() < rates.get(cell, HEALTHY)
                self.look(index, failed=failed, step=step)
            self.now += 30.0
        return self.attribution.best(START)

    def look(self, index: int, *, failed: bool, step: str = "login") -> None:
        """Let one attempt end now."""
        self.attribution.note(index, self.now, BAD if failed else GOOD, failed=failed, step=step)


def ill(clients: Iterable[int], locations: Iterable[int], rate: float) -> dict[Cell, float]:
    """Return the failure rates of a rectangle."""
    where = list(locations)
    return {(f"c{client}", f"v{location}"): rate for client in clients for location in where}


def sure(found: Explanation | None) -> Explanation:
    """Return what was found; something must have been."""
    assert found is not None
    return found


# -- by hand -----------------------------------------------------------------------------------------------------


def test_while_nothing_failed_there_is_nothing_to_explain() -> None:
    """Neither before the first attempt nor after many good ones."""
    fleet = Fleet(grid(5, 3))
    assert fleet.attribution.best(START) is None
    assert fleet.run(5, dict.fromkeys(fleet.cells, 0.0)) is None


def test_one_rectangle_of_one_cell_is_certain() -> None:
    """There is no other, and so no next best one."""
    fleet = Fleet([("imap4", "fra1")], {})
    fleet.look(0, failed=True)
    found = sure(fleet.attribution.best(START))
    assert (found.clients, found.locations, found.probability) == (("imap4",), ("fra1",), 1.0)
    assert (found.failures, found.transactions, found.runner_up) == (1, 1, None)
    assert found.words == "imap4 fails at several steps"


def test_the_posterior_is_the_one_of_the_formula() -> None:
    """Two clients at one location, of which one failed once and the other did not: three rectangles, by hand."""
    fleet = Fleet(grid(2, 1), {})
    fleet.look(0, failed=True)
    fleet.look(1, failed=False)
    mine, both = (mean(exp(bad) for bad in BAD), mean(exp(bad + good) for bad, good in zip(BAD, GOOD, strict=True)))
    weights = [0.225 * mine, 0.225 * mean(exp(good) for good in GOOD), 0.43 * both]
    found = sure(fleet.attribution.best(START))
    assert found.clients == ("c0",)
    assert found.probability == pytest.approx(weights[0] / sum(weights))
    assert found.runner_up is not None
    assert found.runner_up[:2] == (("c0", "c1"), ("v0",))
    assert found.runner_up[2] == pytest.approx(weights[2] / sum(weights))


@pytest.mark.parametrize(
    ("clients", "locations", "words"),
    [
        ([2], [0, 1, 2], "c2 fails at step login"),
        ([0, 1], [0, 1, 2], "c0 and c1 fail at step login"),
        ([1, 3], [0, 1, 2], "c1 and c3 fail at step login"),
        ([0, 1, 2, 3, 4], [1], "every client fails from v1 at step login"),
        ([0, 1, 2, 3, 4], [0, 1, 2], "every client fails at step login"),
        ([3], [1], "c3 fails from v1 at step login"),
        ([0, 2, 4], [0, 2], "c0, c2 and c4 fail from v0 and v2 at step login"),
    ],
)
def test_an_outage_is_found_to_its_edges(clients: list[int], locations: list[int], words: str) -> None:
    """Within three minutes, whatever rectangle it is."""
    fleet = Fleet(grid(5, 3))
    found = sure(fleet.run(3, ill(clients, locations, 1.0)))
    assert found.words == words
    assert found.clients == tuple(f"c{one}" for one in clients)
    assert found.locations == tuple(f"v{one}" for one in locations)
    assert found.failures == found.transactions == 6 * len(clients) * len(locations)


def test_a_trouble_is_explained_from_its_change_on() -> None:
    """What was well for hours before does not count, nor does another trouble of yesterday."""
    fleet = Fleet(grid(5, 3))
    fleet.run(60, ill([4], range(3), 0.5))
    fleet.run(60, {})
    change = fleet.now
    fleet.run(5, ill([2], range(3), 0.5))
    found = sure(fleet.attribution.best(change))
    assert found.clients == ("c2",)
    assert found.transactions == 30


def test_a_declared_family_is_believed_sooner_than_two_strangers() -> None:
    """One failure of each, and nothing else seen."""
    probabilities = []
    for families in (MOBILE, {}):
        fleet = Fleet(grid(5, 3), families)
        fleet.look(0, failed=True)
        fleet.look(4, failed=True)
        for index in (6, 7, 9, 10, 12, 13):
            for _ in range(4):
                fleet.look(index, failed=False)
        found = sure(fleet.attribution.best(START))
        assert found.clients == ("c0", "c1")
        probabilities.append(found.probability)
    assert probabilities[0] > probabilities[1] + 0.02


# -- steps -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("login", "select", "step"),
    [(8, 0, "login"), (4, 0, "login"), (3, 0, "mixed"), (8, 2, "mixed"), (12, 2, "login"), (5, 5, "mixed")],
)
def test_a_step_is_named_when_it_surely_has_most_failures(login: int, select: int, step: str) -> None:
    """By the lower limit of its share: three of three are too few, eight of ten too mixed."""
    fleet = Fleet([("imap4", "fra1")], {})
    for kind, times in (("login", login), ("select", select)):
        for _ in range(times):
            fleet.look(0, failed=True, step=kind)
    assert sure(fleet.attribution.best(START)).step == step


def test_only_failures_within_the_rectangle_have_a_say_in_the_step() -> None:
    """A single one elsewhere, at another step, does not count."""
    fleet = Fleet(grid(5, 3))
    fleet.run(5, ill([2], range(3), 1.0))
    fleet.look(0, failed=True, step="token")
    found = sure(fleet.attribution.best(START))
    assert (found.clients, found.step, found.failures) == (("c2",), "login", 30)


# -- fleets that are no grid ---------------------------------------------------------------------------------------


def test_rectangles_of_the_same_cells_are_one() -> None:
    """A client seen from one location only fails "everywhere", and no second guess says the same in other words."""
    fleet = Fleet([("owa", "fra1"), ("owa", "iad1"), ("ews", "fra1"), ("ews", "iad1"), ("imap4", "fra1")], {})
    found = sure(fleet.run(5, {("imap4", "fra1"): 1.0}))
    assert (found.clients, found.locations) == (("imap4",), ("fra1",))
    assert found.words == "imap4 fails at step login"
    assert found.probability > 0.99


def test_a_location_where_few_are_seen_is_told_from_its_clients() -> None:
    """Two of three are seen there and fail there, and are well elsewhere."""
    cells = [("owa", "fra1"), ("owa", "iad1"), ("ews", "fra1"), ("ews", "iad1"), ("imap4", "fra1")]
    fleet = Fleet(cells, {})
    found = sure(fleet.run(5, {("owa", "iad1"): 1.0, ("ews", "iad1"): 1.0}))
    assert found.words == "owa and ews fail from iad1 at step login"


def test_regions_of_one_vantage_are_a_family() -> None:
    """Everything fails from one vantage, in all its regions: believed after few failures."""
    cells = [
        (client, f"{vantage}/{region}")
        for client in "abc"
        for vantage in ("fra1", "iad1")
        for region in ("na", "eu", "ap")
    ]
    fleet = Fleet(cells, {})
    found = sure(fleet.run(1, {cell: 1.0 for cell in cells if cell[1].startswith("iad1")}))
    assert found.locations == ("iad1/na", "iad1/eu", "iad1/ap")
    assert found.probability > 0.9


# -- over restarts ---------------------------------------------------------------------------------------------------


def test_a_restart_in_a_trouble_changes_nothing_about_its_explanation() -> None:
    """Neither at once nor later, and what is no longer watched is forgotten."""
    fleet = Fleet(grid(5, 3))
    fleet.run(60, {})
    change = fleet.now
    fleet.run(4, ill([2], range(3), 0.3))
    state = json.loads(json.dumps(fleet.attribution.dump(change)))
    after = Fleet(grid(5, 3))
    after.attribution.load(state)
    assert after.attribution.best(change) == fleet.attribution.best(change)
    for one in (fleet, after):
        one.now, one.random = change + 240.0, Random(3)
        one.run(2, ill([2], range(3), 0.3))
    again, before = sure(after.attribution.best(change)), sure(fleet.attribution.best(change))
    assert (again.clients, again.failures, again.transactions) == (before.clients, before.failures, before.transactions)
    assert again.probability == pytest.approx(before.probability)
    fewer = Fleet(grid(3, 3))
    fewer.attribution.load(state)
    assert sure(fewer.attribution.best(change)).clients == ("c2",)


@pytest.mark.parametrize(
    "state",
    [
        [],
        [START],
        ["x", []],
        [float("nan"), []],
        [START, [["c0", "v0", [0.0] * 5, 1, {}]]],
        [START, [["c0", "v0", [float("nan")] * 6, 1, {}]]],
        [START, [["c0", "v0", [0.0] * 6, -1, {}]]],
        [START, [["c0", "v0", [0.0] * 6, 1, {"login": 0.5}]]],
        [START, [["c0", "v0", [0.0] * 6, 1, "login"]]],
        [START, [["c1", "v0", [0.0] * 6, 1, {}], ["c0", [], [0.0] * 6, 1, True]]],
    ],
)
def test_what_is_no_state_is_not_taken_over(state: list[object]) -> None:
    """Nor half of it."""
    fleet = Fleet(grid(2, 2))
    with pytest.raises((ValueError, TypeError)):
        fleet.attribution.load(state)
    fleet.look(0, failed=True)
    assert sure(fleet.attribution.best(START)).transactions == 1


# -- large fleets --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(12))
def test_a_search_finds_what_weighing_every_rectangle_finds(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Six clients at four locations, any rectangle of them ill at any rate: the same best one, nearly as probable."""
    random = Random(seed)
    clients = random.sample(range(6), random.randint(1, 6))
    locations = random.sample(range(4), random.randint(1, 4))
    rates = ill(clients, locations, random.choice([0.1, 0.3, 1.0]))
    exact = sure(Fleet(grid(6, 4), seed=seed).run(15, rates))
    monkeypatch.setattr("prober.detect.attribution.EXACT", 10)
    searched = sure(Fleet(grid(6, 4), seed=seed).run(15, rates))
    assert (searched.clients, searched.locations) == (exact.clients, exact.locations)
    assert (searched.failures, searched.step) == (exact.failures, exact.step)
    assert searched.probability == pytest.approx(exact.probability, abs=0.05)


@pytest.mark.parametrize(
    ("clients", "locations"), [([1, 4, 7], [2, 3, 11]), ([5], range(20)), (range(9), [17]), ([0, 1], range(20))]
)
def test_a_rectangle_of_a_large_fleet_is_found(clients: Iterable[int], locations: Iterable[int]) -> None:
    """Nine clients at twenty locations have half a billion rectangles."""
    who, where = list(clients), list(locations)
    found = sure(Fleet(grid(9, 20)).run(15, ill(who, where, 0.3)))
    assert found.clients == tuple(f"c{one}" for one in who)
    assert found.locations == tuple(f"v{one}" for one in where)
    assert found.probability > 0.9


def test_the_limit_of_the_exact_way_covers_what_is_usual() -> None:
    """Ten clients at one location, eight at two and five at three are weighed one by one."""
    assert max((2**10 - 1), (2**8 - 1) * (2**2 - 1), (2**5 - 1) * (2**3 - 1)) <= EXACT


# -- the fleet of the benchmark --------------------------------------------------------------------------------------


def hits(minutes: float, rates: Mapping[Cell, float], clients: set[str], locations: set[str]) -> tuple[float, float]:
    """Return how often the rectangle was right so long after a change, and how often it was said to be."""
    found = [sure(Fleet(grid(5, 3), seed=seed).run(minutes, rates)) for seed in range(60)]
    right = [set(one.clients) == clients and set(one.locations) == locations for one in found]
    return mean(right), mean(one.probability for one in found)


@pytest.mark.parametrize(
    ("who", "where", "rate", "minutes"),
    [
        ([0, 1], [0, 1, 2], 0.2, 6.3),
        ([2], [0, 1, 2], 0.1, 10.1),
        ([0, 1, 2, 3, 4], [0, 1, 2], 0.1, 6.2),
        ([3], [1], 0.3, 9.7),
    ],
)
def test_the_scope_is_right_five_minutes_after_a_page_and_knows_how_surely(
    who: list[int], where: list[int], rate: float, minutes: float
) -> None:
    """Page after the mean delay, and five minutes; what is said to be 95 % probable is right about so often."""
    right, said = hits(minutes, ill(who, where, rate), {f"c{one}" for one in who}, {f"v{one}" for one in where})
    assert right >= 0.92 - 2.0 * (0.92 * 0.08 / 60) ** 0.5
    assert said == pytest.approx(right, abs=0.1)
