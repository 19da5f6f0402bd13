"""How incidents are cut: who takes part, where, for how long."""

from collections import Counter
from dataclasses import replace

import pytest

from prober.rehearsal.expectation import Expectation
from prober.rehearsal.script import Plot, Script, each_of, edges, missing, script, sites_of, strength
from prober.simulator.faults.fault import Fault

CLIENTS = ("activesync", "control", "imap4")
BUSY = Fault("http", frozenset({"imap4"}), frozenset({"any"}))
WEEKS = Plot(("all",), (BUSY,), duration=9330, ramp=60, decay=180, decoy=False)
DECOY = Plot((), (BUSY,), duration=0, ramp=0, decay=0, decoy=True)


def cut(plot: Plot, expected: Expectation | None = None) -> Script:
    return script(plot, expected or Expectation(), CLIENTS)


def test_weeks_are_cut_to_less_than_two_hours() -> None:
    """Each act to its longest; at sixty-fold speed two hours are two minutes, the limit."""
    made = cut(WEEKS)
    assert (made.warm, made.ramp, made.plateau, made.decay, made.after) == (4, 3, 45, 3, 50)
    assert made.minutes == 105


def test_what_is_short_is_played_whole() -> None:
    """Nothing is stretched: ramp and plateau together are as long as the incident."""
    made = cut(replace(WEEKS, duration=12, ramp=3, decay=2))
    assert (made.ramp, made.plateau, made.decay) == (3, 9, 2)


def test_without_decay_no_recovery_is_played() -> None:
    """The contract asks for one only where there is a shape with decay."""
    made = cut(replace(WEEKS, decay=0))
    assert (made.decay, made.after) == (0, 0)


def test_a_decoy_is_played_for_as_long_as_shows_it() -> None:
    """It has no duration of its own."""
    made = cut(DECOY)
    assert (made.warm, made.ramp, made.plateau, made.after) == (4, 0, 20, 0)


def test_what_was_there_from_the_beginning_has_no_healthy_phase() -> None:
    """A permission that was never granted must not work at first."""
    assert cut(replace(DECOY, faults=(replace(BUSY, since="setup"),))).warm == 0


@pytest.mark.parametrize(("step", "lifetime"), [("token_request", 45), ("token_client", 45), ("any", 3599)])
def test_tokens_live_shortly_where_asking_for_them_is_the_matter(step: str, lifetime: int) -> None:
    """Or nobody would ask within the drill; elsewhere they live as they do."""
    assert cut(replace(DECOY, faults=(replace(BUSY, steps=frozenset({step, "list"})),))).token_lifetime == lifetime


def regions(made: Script) -> Counter[str]:
    return Counter(site.region for site in made.sites)


def test_all_regions_are_four_with_two_sites_each() -> None:
    """Eight sites; a site's name and letters are its own."""
    made = cut(WEEKS)
    assert regions(made) == {"eu": 2, "na": 2, "apac": 2, "uk": 2}
    assert [(site.name, site.region, site.code) for site in made.sites][:3] == [
        ("ams1", "eu", "AMS"),
        ("fra1", "eu", "FRA"),
        ("iad2", "na", "IAD"),
    ]
    assert len({site.name for site in made.sites}) == 8
    assert cut(DECOY).sites == made.sites


def test_fewer_regions_have_more_sites_each() -> None:
    """Eight in all, as many as fit; never less than two in a region."""
    assert regions(cut(replace(WEEKS, regions=("na",)))) == {"na": 8}
    assert regions(cut(replace(WEEKS, regions=("eu", "na", "apac")))) == {"eu": 2, "na": 2, "apac": 2}
    six = tuple(f"region{number}" for number in range(6))
    assert regions(cut(replace(WEEKS, regions=six))) == dict.fromkeys(six, 2)


def test_regions_that_something_is_expected_of_take_part() -> None:
    """A region that must stay green has to be there."""
    expected = Expectation(red=("owa@uk",), green=("owa@eu", "imap4@uk"))
    assert regions(cut(replace(WEEKS, regions=("uk",)), expected)) == {"uk": 4, "eu": 4}


def test_regions_that_nobody_knows_have_sites_as_well() -> None:
    """Any file in the format must work: regions that begin alike have sites with different names."""
    assert edges("latam")[:2] == ["LAA", "LAB"]
    assert edges("x")[0] == "XXA"
    assert edges("42")[7] == "XXH"
    assert edges("eu")[0] == "AMS"
    alike = cut(replace(WEEKS, regions=("latam-north", "latam-south"))).sites
    assert len({site.name for site in alike}) == len(alike) == 8


def test_the_control_takes_part_unasked() -> None:
    """It is configured for every way out, and is no client of the tenant's."""
    everybody = replace(BUSY, clients=frozenset({"all", "control"}))
    assert cut(replace(DECOY, faults=(everybody,))).clients == ("activesync", "imap4")
    assert cut(DECOY).clients == ("imap4",)


def test_who_is_not_concerned_stays_away() -> None:
    """Those whom a fault or an expectation names take part, all where it says so, and all in a decoy."""
    assert cut(WEEKS).clients == ("imap4",)
    assert cut(WEEKS, Expectation(green=("activesync@eu", "owa"))).clients == ("activesync", "imap4")
    assert cut(WEEKS, Expectation(red=("all@na",))).clients == ("activesync", "imap4")
    everybody = replace(BUSY, clients=frozenset({"all", "control"}))
    assert cut(replace(WEEKS, faults=(everybody,))).clients == ("activesync", "imap4")


def test_missing_clients_are_those_an_incident_is_about() -> None:
    """Of faults and of what must turn red; `all` means whoever is there, and who must stay green may be missing."""
    faults = (replace(BUSY, clients=frozenset({"owa", "imap4"})), replace(BUSY, clients=frozenset({"all", "control"})))
    expected = Expectation(red=("outlook_mac@na", "all", "imap4"), green=("m365_signin",))
    assert missing(faults, expected, CLIENTS) == ("outlook_mac", "owa")
    assert missing((BUSY, faults[1]), Expectation(red=("all@na",)), ["imap4"]) == ()


@pytest.mark.parametrize(
    ("kind", "often"), [("http", False), ("push_silent", True), ("push_drop", True), ("stale", True)]
)
def test_mail_comes_often_where_news_is_what_may_be_missed(kind: str, often: bool) -> None:
    """So often that a channel held for a few seconds has some to tell of."""
    made = cut(replace(WEEKS, faults=(replace(BUSY, kind=kind),)))
    assert made.post == (5 if often else 60)


@pytest.mark.parametrize(
    ("sticking", "where", "each"),
    [
        (100.0, ("all",), 2),
        (15.0, ("all",), 1),  # one of four, where one of eight would be less than is meant
        (40.0, ("all",), 1),  # two of four, not three of eight
        (90.0, ("all",), 2),  # not all of four: seven of eight
        (25.0, ("eu", "na", "apac"), 2),  # two of six are as many as one of three
        (50.0, ("na",), 3),
        (0.0, ("na",), 8),
    ],
)
def test_an_incident_that_sticks_to_some_hits_not_less_than_is_meant(
    sticking: float, where: tuple[str, ...], each: int
) -> None:
    """As many sites as suffer least from rounding, and some that it does not stick to."""
    made = cut(replace(WEEKS, regions=where, sticking=sticking))
    assert set(regions(made).values()) == {each}


def test_only_the_regions_of_an_incident_decide_how_many_it_hits() -> None:
    """Where another one is there to stay green, its sites are none of those that are counted."""
    plot = replace(WEEKS, regions=("uk",), sticking=20.0)
    assert each_of(plot, ("uk", "eu")) == 2
    assert len(sites_of(("uk", "eu"), 2)) == 4


def test_who_has_only_to_stay_green_is_looked_at_less_often() -> None:
    """Time is what a drill has least of; where all are to be red, nobody is spared."""
    made = cut(WEEKS, Expectation(red=("imap4",), green=("activesync",)))
    assert made.intervals == {"activesync": 192, "imap4": 30}
    assert len(set(cut(WEEKS, Expectation(red=("all",))).intervals.values())) == 2


def test_who_fails_seldom_is_looked_at_often() -> None:
    """As long as it takes the one, it should take the other; those beside the matter get no more than anybody."""
    faults = (replace(BUSY, pct=30.0), replace(BUSY, clients=frozenset({"activesync"}), pct=10.0))
    both = cut(replace(WEEKS, faults=faults), Expectation(red=("imap4", "activesync"))).intervals
    assert (both["imap4"], both["activesync"]) == (46, 30)
    one = cut(replace(WEEKS, faults=faults), Expectation(red=("imap4",))).intervals
    assert one["imap4"] == one["activesync"]


def test_who_has_to_ask_for_a_token_each_time_is_left_time_for_it() -> None:
    """A token lives for 45 s in such a drill."""
    asking = replace(BUSY, steps=frozenset({"token_request"}))
    assert cut(replace(WEEKS, faults=(asking,)), Expectation(red=("imap4",))).intervals["imap4"] == 60


def test_most_delays_are_no_failures() -> None:
    """They count only where there is nothing else."""
    late = replace(BUSY, kind="delay", pct=70.0)
    assert strength((late, replace(BUSY, pct=12.0)), "imap4") == 12.0
    assert strength((late,), "imap4") == 70.0
    assert strength((late,), "owa") == 0.0


def test_optional_steps_are_walked_where_a_fault_is_meant_for_them() -> None:
    """They cost what others need, and what breaks there is of another class than the scenario is about."""
    made = cut(replace(WEEKS, faults=(BUSY, replace(BUSY, steps=frozenset({"execute_logon", "connect"})))))
    assert made.steps == {"any", "execute_logon", "connect"}
