"""The whole detector on streams by hand."""

from random import Random

import pytest

from prober.detect.detector import Detector, Policy, Sample, What
from prober.detect.group import GroupKind, State, Transition
from prober.detect.groups import Source
from prober.vocabulary import Environment
from tests.detect.made import ONLINE, START, client_group, feed, lone, source

DAY = 86_400.0


def settled(detector: Detector, keys: tuple[str, ...] = ("imap4/one",)) -> float:
    """Let two days pass in good health; return the time."""
    at = START
    for _ in range(2 * 1440 + 1):
        for key in keys:
            detector.observe(Sample(key, at, What.OK))
            at += 60.0 / len(keys)
    return at


def test_a_loss_of_one_in_five_is_found() -> None:
    """And said where, with its beginning."""
    heard: list[Transition] = []
    detector = lone(hear=heard.append, interval=60.0)
    at = settled(detector)
    feed(detector, [count % 5 == 0 for count in range(40)], at=at, every=60.0)
    group = client_group(detector)
    assert group.state is State.FAILING
    assert group.evidence.change == at
    assert [one.group.name for one in heard if one.after is State.FAILING] == [
        "exchange_online/imap4",
        "exchange_online",
    ]


def test_what_fails_within_one_hiccup_is_no_trouble() -> None:
    """Eight clients that all fail within half a minute, once, page nobody."""
    clients = tuple(f"client{number}/one" for number in range(8))
    detector = Detector({key: source(key.partition("/")[0], interval=60.0) for key in clients})
    at = settled(detector, clients)
    for key in clients:
        detector.observe(Sample(key, at, What.FAILED))
        at += 4.0
    for _ in range(30):
        for key in clients:
            detector.observe(Sample(key, at, What.OK))
            at += 7.5
    assert not any(group.firing for group in detector.groups)


def test_throttling_is_no_trouble_but_an_alert_of_its_own() -> None:
    """It feeds its own group, and stops second looks."""
    detector = lone(interval=60.0)
    at = settled(detector)
    detector.observe(Sample("imap4/one", at, What.FAILED))
    for count in range(1, 12):
        detector.observe(Sample("imap4/one", at + 60.0 * count, What.THROTTLED))
    assert not client_group(detector).firing
    assert detector.group(GroupKind.THROTTLED, "exchange_online/imap4").state is State.FAILING
    assert detector.confirming("imap4/one").next(at) is None


def test_a_failure_asks_for_second_looks_until_trouble_is_found() -> None:
    """They are evidence, and teach nothing about what is normal."""
    detector = lone(interval=60.0)
    at = settled(detector)
    detector.observe(Sample("imap4/one", at, What.FAILED))
    confirming = detector.confirming("imap4/one")
    assert confirming.next(at) == at + 5.0
    for count in range(1, 40):
        detector.observe(Sample("imap4/one", at + 60.0 * count, What.FAILED, confirm=True))
    assert client_group(detector).firing
    assert confirming.next(at) is None


def test_losing_one_channel_is_normal_and_losing_all_is_not() -> None:
    """Pushes have a group of their own."""
    detector = Detector({"imap4/one": source(hold=480.0)})
    group = detector.group(GroupKind.PUSH, "exchange_online/imap4")
    at = START
    for count in range(400):
        detector.pushed("imap4/one", at + 480.0 * count, lost=count % 100 == 99)
    assert not group.firing
    for count in range(400, 412):
        detector.pushed("imap4/one", at + 480.0 * count, lost=True)
    assert group.firing


def test_the_healthy_rate_is_learned_and_trouble_teaches_nothing() -> None:
    """From half a per cent of failures it comes to know half a per cent; an outage leaves it there."""
    chance = Random(3)
    detector = lone(interval=60.0)
    at = feed(detector, [chance.random() < 0.005 for _ in range(7 * 1440)], every=60.0)
    group = client_group(detector)
    learned = group.healthy
    assert learned == pytest.approx(0.006, rel=0.25)
    feed(detector, [True] * 180, at=at, every=60.0)
    assert group.firing
    assert group.healthy == pytest.approx(learned, rel=0.3)


def test_cells_pool_into_clients_and_locations() -> None:
    """A region where everything fails is named, and the other one is not."""
    keys = {
        (client, region): f"{client}/{region}" for client in ("imap4", "owa", "activesync") for region in ("eu", "na")
    }
    detector = Detector({key: source(client, region, interval=60.0) for (client, region), key in keys.items()})
    at = settled(detector, tuple(keys.values()))
    for _ in range(20):
        for (_, region), key in keys.items():
            detector.observe(Sample(key, at, What.FAILED if region == "na" else What.OK))
            at += 10.0
    assert detector.group(GroupKind.VANTAGE, "exchange_online/fra1/na").firing
    assert detector.group(GroupKind.CELL, "exchange_online/imap4@fra1/na").firing
    assert not detector.group(GroupKind.VANTAGE, "exchange_online/fra1/eu").firing
    assert not detector.group(GroupKind.CELL, "exchange_online/imap4@fra1/eu").firing


def test_one_environment_says_nothing_of_another() -> None:
    """Nor does its network."""
    sources = {
        "imap4/one": source(interval=60.0),
        "imap4/two": Source(Environment.EXCHANGE_SERVER, "imap4", "fra1", 60.0),
    }
    detector = Detector(sources)
    at = settled(detector, tuple(sources))
    feed(detector, [True] * 30, at=at, every=60.0)
    assert client_group(detector).firing
    other = detector.group(GroupKind.CLIENT, "exchange_server/imap4")
    assert not other.firing
    assert other.evidence.change == 0.0


def test_the_guaranteed_setting_wants_three_times_the_evidence() -> None:
    """And a larger budget of false pages wants less."""
    shipped, sure = lone(), lone(policy=Policy(guaranteed=True))
    for detector in (shipped, sure):
        settled(detector)
    assert client_group(sure).threshold == pytest.approx(3 * client_group(shipped).threshold)
    assert client_group(lone(policy=Policy(budget=3.0))).threshold == pytest.approx(client_group(lone()).threshold / 10)


def test_it_survives_a_restart_bit_by_bit() -> None:
    """State by state; what cannot be read begins anew."""
    one, two = lone(interval=60.0), lone(interval=60.0)
    at = settled(one)
    at = feed(one, [True, False, False, True], at=at, every=60.0)
    kept: dict[str, str] = {}
    one.save(kept)
    two.load(kept)
    for detector in (one, two):
        feed(detector, [False, True, True], at=at, every=60.0)
    assert [group.dump() for group in two.groups] == [group.dump() for group in one.groups]
    three = lone()
    three.load(dict.fromkeys(kept, "nonsense"))
    assert three.of("imap4/one")[0].state is State.NO_DATA
    assert three.of("imap4/one")[0].name.startswith(ONLINE.value)


def test_time_alone_tells_that_nothing_comes() -> None:
    """And that the detector lives."""
    detector = lone()
    feed(detector, [False])
    detector.tick(START + 3600.0)
    assert detector.last_update == START + 3600.0
    assert client_group(detector).state is State.NO_DATA


def test_what_fails_is_named_while_it_does() -> None:
    """Two clients of a declared family at one of two places, their step, and how sure that is."""
    clients = ("imap4", "owa", "outlook_mobile", "outlook_mac")
    keys = {(client, region): f"{client}/{region}" for client in clients for region in ("eu", "na")}
    detector = Detector(
        {
            key: source(client, region, interval=60.0, families=("outlook",) if "outlook" in client else ())
            for (client, region), key in keys.items()
        }
    )
    at = settled(detector, tuple(keys.values()))
    assert detector.explanations() == {}
    for _ in range(20):
        for (client, region), key in keys.items():
            failed = region == "na" and client.startswith("outlook")
            detector.observe(Sample(key, at, What.FAILED if failed else What.OK, "mail_delta" if failed else ""))
            at += 7.5
    found = detector.explanations()[ONLINE]
    assert (found.clients, found.locations, found.step) == (
        ("outlook_mobile", "outlook_mac"),
        ("fra1/na",),
        "mail_delta",
    )
    assert found.probability > 0.9
    for _ in range(400):
        for key in keys.values():
            detector.observe(Sample(key, at, What.OK))
            at += 7.5
    detector.tick(at)
    assert detector.explanations() == {}
