"""Who is struck, how often, and that the same seed strikes the same."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from prober.simulator.faults.fault import Fault, Level, Occasion
from prober.simulator.faults.read import Incident
from prober.simulator.faults.shape import Shape
from prober.simulator.faults.weather import Weather
from prober.simulator.tenant import Clocks, Site, Tenant
from prober.simulator.wire import Attempt, Host

SITES = tuple(Site(f"s{number}", "eu" if number < 4 else "na", "AMS") for number in range(8))
HOSTS = {
    site.name: Host(f"imap4.{site.name}.test", "127.0.0.1", 993, "imaps", "imap4", site.name, site.region)
    for site in SITES
}
CODE = {"text": "NO Server Unavailable. 15"}


class Sky:
    """Weather over eight sites with one mailbox each, on a clock that is set."""

    def __init__(self, *faults: Fault, seed: int = 1, begin: bool = True, **incident: Any) -> None:
        self.now = 0.0
        self.tenant = Tenant("x.test", SITES, clocks=Clocks(lambda: self.now, lambda: 1e9 + self.now), seed=seed)
        for site in SITES:
            self.tenant.open_mailbox(f"{site.name}@x.test", site.name)
        self.weather = Weather(self.tenant)
        self.incident = Incident("I", faults=faults, **incident)
        self.name = self.weather.begin(self.incident) if begin else ""

    def hits(self, count: int, **occasion: Any) -> int:
        """Ask for `count` attempts; return how many were struck."""
        return sum(self.struck(number, **occasion) for number in range(count))

    def struck(self, number: int = 1, level: Level = Level.REQUEST, **occasion: Any) -> bool:
        return self.weather.strike(asked(number, **occasion), level) is not None


def asked(number: int = 1, site: str = "s0", **occasion: Any) -> Occasion:
    """Return the first request of an attempt."""
    attempt = occasion.pop("attempt", None) or Attempt(f"imap4@{site}", number, requests=1)
    defaults: dict[str, Any] = {"client": "imap4", "steps": frozenset({"list"}), "mailbox": f"{site}@x.test"}
    return Occasion(
        occasion.pop("host", HOSTS[site]), attempt, occasion.pop("protocol", "imap"), **(defaults | occasion)
    )


def tagged(**more: Any) -> Fault:
    return Fault("imap_tagged", frozenset({"imap4"}), frozenset({"list"}), arguments=CODE, **more)


def test_without_an_incident_nothing_strikes() -> None:
    """Nor after it was ended."""
    sky = Sky(tagged(), begin=False)
    assert not sky.struck()
    name = sky.weather.begin(sky.incident)
    assert sky.struck()
    sky.weather.end(name, now=True)
    assert not sky.struck()


@pytest.mark.parametrize("pct", [0, 5, 18, 50, 100])
def test_pct_is_the_share_of_attempts(pct: float) -> None:
    """Of very many, within what chance allows: four standard deviations."""
    hits, count = Sky(tagged(pct=pct)).hits(4000), 4000
    assert abs(hits - count * pct / 100) <= 4 * (count * pct / 100 * (1 - pct / 100)) ** 0.5


@pytest.mark.parametrize("pct", [6, 12, 18, 50])
def test_few_attempts_are_enough_to_be_struck_as_often_as_is_said(pct: float) -> None:
    """Of any fifty in a row, within two; chance alone would miss by as many as eight."""
    sky = Sky(tagged(pct=pct))
    fates = [sky.struck(number) for number in range(1000)]
    windows = [sum(fates[first : first + 50]) for first in range(950)]
    assert max(abs(hits - 50 * pct / 100) for hits in windows) <= 2.0


def test_one_fault_neither_seeks_nor_avoids_the_attempts_of_another() -> None:
    """Both strike as many as if each were drawn by itself: two shares multiplied."""
    first, second = (
        tagged(pct=30),
        Fault("delay", frozenset({"imap4"}), frozenset({"list"}), 20, arguments={"seconds": 1}),
    )
    both = 0
    sky = Sky(first, second)
    for number in range(2000):
        attempt = Attempt("imap4@s0", number, requests=1)
        both += all(sky.struck(attempt=attempt) for _ in range(2))
    assert both == pytest.approx(2000 * 0.3 * 0.2, rel=0.25)


def test_the_same_seed_strikes_the_same_attempts() -> None:
    """And another seed others."""
    runs = [[Sky(tagged(pct=30), seed=seed).struck(number) for number in range(200)] for seed in (1, 1, 2)]
    assert runs[0] == runs[1] != runs[2]


def test_the_traffic_of_one_changes_nothing_for_another() -> None:
    """A draw depends on what it is about alone."""
    alone, crowded = Sky(tagged(pct=30)), Sky(tagged(pct=30))
    crowded.hits(500, site="s1")
    assert [alone.struck(n) for n in range(200)] == [crowded.struck(n) for n in range(200)]


def test_an_attempt_is_struck_once_by_each_fault() -> None:
    """At the first request that is one of the steps."""
    sky, attempt = Sky(tagged()), Attempt("imap4@s0", 1, requests=1)
    assert not sky.struck(attempt=attempt, steps=frozenset({"namespace"}))
    assert sky.struck(attempt=attempt)
    assert not sky.struck(attempt=attempt)


@pytest.mark.parametrize(
    ("kind", "level"), [("dns_timeout", Level.NAME), ("connect_refuse", Level.CONNECT), ("tls_alert", Level.TLS)]
)
def test_below_requests_an_attempt_stays_struck(kind: str, level: Level) -> None:
    """Asking again helps as little as in life; it is noted once. The next attempt is drawn anew."""
    sky, fates = Sky(Fault(kind, pct=50)), list[bool]()
    for number in range(40):
        attempt = Attempt("imap4@s0", number)
        first, second = (sky.struck(attempt=attempt, level=level) for _ in range(2))
        assert first is second
        fates.append(first)
    assert len(sky.weather.strikes) == sum(fates)
    assert 0 < sum(fates) < 40


@pytest.mark.parametrize(
    "occasion",
    [
        {"client": "activesync"},
        {"steps": frozenset({"namespace"})},
        {"protocol": "http"},
        {"kinds": frozenset({"delay"})},
        {"level": Level.TLS},
    ],
)
def test_a_fault_keeps_to_its_client_step_protocol_and_level(occasion: dict[str, Any]) -> None:
    """And to the kinds the service can act out."""
    assert not Sky(tagged()).struck(**occasion)


def test_all_clients_are_every_one_but_the_control() -> None:
    """It is there to be independent; named, it is struck like any other."""
    delay = Fault("delay", arguments={"seconds": 1})
    assert Sky(delay).struck(client="owa")
    assert not Sky(delay).struck(client="control")
    assert Sky(replace(delay, clients=frozenset({"all", "control"}))).struck(client="control")


def test_any_step_is_one_of_the_first_requests_of_an_attempt() -> None:
    """Spread over as many as the attempt before it made, and never twice."""
    sky, positions = Sky(Fault("delay", arguments={"seconds": 1})), list[int]()
    for number in range(200):
        attempt = Attempt("imap4@s0", number, usual=4)
        for position in range(1, 9):
            attempt.requests = position
            if sky.struck(attempt=attempt):
                positions.append(position)
    assert len(positions) == 200
    assert set(positions) == {1, 2, 3, 4}


def test_regions_bound_an_incident() -> None:
    """Elsewhere nothing strikes."""
    sky = Sky(tagged(), regions=("na",))
    assert not sky.struck(site="s0")
    assert sky.struck(site="s5")


@pytest.mark.parametrize(
    ("stick", "pct", "regions", "affected"),
    [("mailbox", 40, ("all",), 3), ("site", 25, ("na",), 1), ("site", 1, ("all",), 1), ("mailbox", 0, ("all",), 0)],
)
def test_a_population_is_the_same_ones_always(stick: str, pct: float, regions: tuple[str, ...], affected: int) -> None:
    """At least one, unless none is to be; each of them always, the others never."""
    sky = Sky(tagged(), stick=stick, population_pct=pct, regions=regions)
    counts = [sky.hits(20, site=site.name) for site in SITES]
    assert sorted(counts, reverse=True) == [20] * affected + [0] * (8 - affected)


def test_a_mailbox_alone_at_its_site_is_meant_before_it_is_named() -> None:
    """Whoever comes to its site comes for it."""
    sky = Sky(tagged(), stick="mailbox", population_pct=100 / 8)
    named = [sky.struck(1, site=site.name) for site in SITES]
    assert named == [sky.struck(2, site=site.name, mailbox="") for site in SITES]


def test_with_attempts_the_population_is_drawn_anew() -> None:
    """Everybody is hit now and then."""
    sky = Sky(tagged(), stick="attempt", population_pct=40)
    counts = [sky.hits(200, site=site.name) for site in SITES]
    assert all(40 < count < 120 for count in counts)


def test_with_connections_each_is_drawn_anew() -> None:
    """Also within one attempt."""
    sky = Sky(tagged(pct=50), stick="connection")
    drawn = {sky.struck(1, connection=number) for number in range(30)}
    assert drawn == {True, False}


def test_strength_follows_the_shape() -> None:
    """Half way up a ramp half of the attempts; nothing after the decay, which an end begins."""
    sky = Sky(tagged(), shape=Shape(ramp_min=10, decay_min=10))
    sky.now = 300
    assert 400 < sky.hits(1000) < 600
    sky.now = 700
    assert sky.hits(50) == 50
    sky.weather.end(sky.name)
    sky.now = 1000
    assert 400 < sum(sky.struck(number) for number in range(2000, 3000)) < 600
    sky.now = 1300
    assert sum(sky.struck(number) for number in range(50)) == 0
    assert sky.weather.running == ()


def test_an_incident_may_unfold_faster() -> None:
    """Sixty-fold, a minute of it takes a second."""
    sky = Sky(begin=False)
    sky.weather.begin(Incident("F", faults=(tagged(),), shape=Shape(ramp_min=10), duration_min=20), scale=60)
    sky.now = 5
    assert 400 < sky.hits(1000) < 600
    sky.now = 21
    assert not sky.struck()


def test_what_was_there_from_the_setup_on_does_not_grow() -> None:
    """It is at full strength before anything worked."""
    assert Sky(tagged(since="setup"), shape=Shape(ramp_min=100)).struck()


def test_once_is_once() -> None:
    """However many attempts come."""
    assert Sky(tagged(once=True)).hits(50) == 1


def test_at_token_expiry_means_a_token_that_has_run_out() -> None:
    """Not one that lives, and not where there is none."""
    sky = Sky(tagged(at_token_expiry=True))
    assert not sky.struck(1, token_expires=0.0)
    assert not sky.struck(2, token_expires=1e9 + 60)
    assert sky.struck(3, token_expires=1e9 - 60)


def test_push_faults_need_somebody_who_waits() -> None:
    """A command that is answered at once has nothing to be silent about."""
    sky = Sky(Fault("push_silent"))
    assert not sky.struck(push=False)
    assert sky.struck(push=True)


@pytest.mark.parametrize(
    ("more", "sure"),
    [
        ({}, True),
        ({"population_pct": 50.0, "stick": "site"}, False),
        ({"shape": Shape(ramp_min=10)}, False),
        ({"regions": ("na",)}, False),
    ],
)
def test_only_what_hits_everybody_closes_a_listener(more: dict[str, Any], sure: bool) -> None:
    """The rest is drawn at the look-up."""
    sky = Sky(Fault("connect_refuse"), **more)
    assert (sky.weather.certain(HOSTS["s0"]) is not None) is sure


def strikes(sky: Sky) -> Iterator[Sequence[object]]:
    for one in sky.weather.strikes:
        yield one.number, one.at, one.client, one.site, one.mailbox, one.fault.kind, one.attempt


def test_every_strike_is_noted() -> None:
    """With its number, its time, whom it hit and which attempt."""
    sky = Sky(tagged())
    sky.now = 5
    sky.hits(2)
    assert list(strikes(sky)) == [
        (1, 5.0, "imap4", "s0", "s0@x.test", "imap_tagged", "imap4@s0 0"),
        (2, 5.0, "imap4", "s0", "s0@x.test", "imap_tagged", "imap4@s0 1"),
    ]
    assert [one.number for one in sky.weather.strikes_since(1)] == [2]
    sky.weather.clear()
    assert not sky.struck(9)


def test_a_redirect_to_itself_stays_for_the_rest_of_the_attempt() -> None:
    """Who follows it comes back to it; it is one strike all the same."""
    sky, attempt = Sky(Fault("redirect_loop")), Attempt("imap4@s0", 1, requests=1)
    assert [sky.struck(attempt=attempt, protocol="http") for _ in range(3)] == [True, True, True]
    assert len(sky.weather.strikes) == 1
