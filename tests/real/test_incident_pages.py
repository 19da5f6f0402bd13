"""From a replayed incident to the notification about it, through a real Prometheus and a real Alertmanager.

Five probers of one kind work in real time, each with a tenant of its own and with two good days behind it. One tenant
is struck by EX1256020 (scenario S01a): two of eight clients lose a fifth of their attempts, at two mailboxes of five.
The others are decoys, side by side: the service throttles, the application's secret has expired, the vantage's resolver
is dead, the prober's loop freezes. Prometheus has the shipped rules, Alertmanager the shipped configuration: only the
first may page.

What is not as in life: attempts come every few seconds instead of every minute (the detector counts attempts, so that
it needs about as many of them, and as many times less time); Prometheus scrapes every five seconds, and evaluates as
often the groups that name no interval; clients that are to stay green have fewer attempts, and decoys two mailboxes;
the incident is at full strength at once, where its notice had it grow for hours. The group that pages keeps its fifteen
seconds, and Alertmanager all its waits. Two alerts about the prober itself, which wait for minutes, have a twin
whose durations are divided by twenty, so that it is seen to fire, and to inhibit; whether a prober is sick is asked of
the frozen one alone, since a machine that is busy with other things makes all so.
"""

import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any

import pytest
import yaml

from prober.detect.group import State
from prober.simulator.configuration import URLS
from tests.real.scene import Scene
from tests.servers.account import fresh_room
from tests.servers.alertmanager import Alertmanager, Call, Listener, configuration, listening
from tests.servers.prometheus import Prometheus, Sample

pytestmark = pytest.mark.real
ROOT = Path(__file__).parents[2]
INCIDENTS = ROOT / "prober/simulator/incidents.yaml"
RULES = ROOT / "config/prometheus/rules"
EVERY = 4.0
SITES = {"ams": "eu", "fra": "eu", "iad": "na", "sjc": "na", "sin": "apac"}
AT_DECOYS = {"ams", "sin"}
LIFE, SHORT_LIFE = 3599, 20
"""Seconds that a token lives where it shall be seen that no new one is given."""
HIT = frozenset({"outlook_mobile", "outlook_mac"})
RIGHT = {("client", f"exchange_online/{client}") for client in HIT} | {("family", "exchange_online/outlook_service")}
GREEN = frozenset(URLS) - HIT
COMMON = {"severity": "page", "owner": "mail", "environment": "exchange_online", "job": "prober"}
PAGE = COMMON | {
    "alertname": "ClientAccessFailing",
    "client": "outlook_mac",
    "group_kind": "client",
    "group": "exchange_online/outlook_mac",
}
KINDS = "client|cell|family|fleet"
LOOK = 30.0
"""Seconds for which decoys are looked at, at least: about as long as the incident takes to page."""
TICK = 1.0
"""Seconds by which two clocks may be apart that look at the same moment."""
BETWEEN = 5
HURRY = 20
APART = "vantages.yml"
"""These rules compare probers that look at the same servers; here each has servers of its own."""
SICK = "ClientAccessProberSick"
HURRIED = {
    SICK: ("detector.yml", "frozen"),
    "ClientAccessCredentialRefused": ("caretaking.yml", "expired"),
}
PATIENCE = 240.0
"""Seconds for each thing that has to come, on a machine that is busy with other things."""
SHOWN = {
    "throttled": 'clientaccess_excluded_total{verdict="throttled",reason="throttled"}',
    "expired": 'clientaccess_excluded_total{verdict="excluded",reason="auth_rejected"}',
    "deaf": 'clientaccess_excluded_total{verdict="inconclusive",reason="dns_failure"}',
}
"""What a decoy's prober says of it: a decoy that nobody feels would prove nothing. Of a loop that freezes, an alert."""
DECOYS = (*SHOWN, "frozen")
FELT = 5


@dataclass(frozen=True, slots=True)
class Ward:
    """Everybody at work."""

    scenes: dict[str, Scene]
    prometheus: Prometheus
    alertmanager: Alertmanager
    listener: Listener

    def counted(self, promql: str, who: str) -> float:
        """Return the sum of a series at one prober."""
        inside = promql.rstrip("}") + f',instance="{self.scenes[who].instance}"}}'
        return sum(value for _, value in self.prometheus.query(f"sum({inside})"))

    def fires(self, alert: str) -> bool:
        """Whether an alert is there."""
        return bool(self.prometheus.query(alert))

    def felt(self, who: str, promql: str) -> bool:
        """Whether a decoy has shown itself often enough."""
        return self.counted(promql, who) >= FELT

    def said(self, names: Sequence[str]) -> tuple[list[Sample], list[Sample]]:
        """Return the pages that ever fired at these probers, and the groups whose detector ever found mail failing."""
        at = "|".join(re.escape(self.scenes[who].instance).replace("\\", "\\\\") for who in names)
        pages = f'count_over_time(ALERTS{{severity="page",alertstate="firing",instance=~"{at}"}}[30m])'
        state = f'clientaccess_detector_state{{instance=~"{at}",group=~"exchange_online.*",group_kind=~"{KINDS}"}}'
        failing = f"max_over_time(({state} == bool {State.FAILING:d})[30m:1s]) == 1"
        return self.prometheus.query(pages), self.prometheus.query(failing)

    def pages(self, who: str) -> list[Call]:
        """Return the notifications of pages about one prober."""
        mine = self.scenes[who].instance
        calls = list(self.listener.calls)
        return [one for one in calls if one.labels["severity"] == "page" and one.labels.get("instance") == mine]


@contextmanager
def ward(folder: Path, *names: str) -> Iterator[Ward]:
    """Let these probers work, and Prometheus and Alertmanager watch them."""
    scenes = {who: Scene(folder / who, who, plan(who), EVERY, GREEN) for who in names}
    with ExitStack() as stack:
        for one in scenes.values():
            stack.callback(one.close)
        with ThreadPoolExecutor(len(scenes)) as pool:
            list(pool.map(Scene.open, scenes.values()))
        listener = stack.enter_context(listening())
        alertmanager = Alertmanager(stack.enter_context(fresh_room("alertmanager")), configuration(listener))
        stack.enter_context(alertmanager)
        prometheus = Prometheus(
            stack.enter_context(fresh_room("prometheus")),
            [scene.instance for scene in scenes.values()],
            rules=[*shipped(folder / "rules"), hurried(folder / "hurried.yml", scenes)],
            alertmanager=alertmanager.address,
            interval=BETWEEN,
        )
        stack.enter_context(prometheus)
        made = Ward(scenes, prometheus, alertmanager, listener)
        everybody_is_well(made)
        yield made


def test_the_incident_pages_whoever_looks_after_mail(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], record_property: Callable[[str, object], None]
) -> None:
    with ward(tmp_path, "struck") as seen:
        struck = seen.scenes["struck"]
        onset = struck.let(at_full_strength())
        until(lambda: bool(seen.pages("struck")), "a page")
        first = seen.pages("struck")[0]
        failing = min(when for when in struck.failing().values() if when > onset)
        the_labels_are_right(seen.pages("struck"))
        until(lambda: all(seen.said(["struck"])), "the same page in Prometheus, which tells others before it remembers")
    times = {"detector failing": failing, "prometheus firing": first.began, "alertmanager calls": first.at}
    assert onset < failing < first.at
    assert failing - TICK < first.began < first.at
    for what, when in times.items():
        record_property(what, round(when - onset, 1))
    said = ", ".join(f"{what} after {when - onset:.1f} s" for what, when in times.items())
    with capsys.disabled():
        sys.stdout.write(f"\nEX1256020, a client at each mailbox every {EVERY:g} s: {said}\n")


def test_nothing_that_only_looks_like_an_incident_pages_anybody(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], record_property: Callable[[str, object], None]
) -> None:
    with ward(tmp_path, *DECOYS) as seen:
        seen.scenes["throttled"].let(asking_for_quiet())
        seen.scenes["expired"].begin("D01")
        seen.scenes["deaf"].begin("D04")
        onset = time.monotonic()
        with seen.scenes["frozen"].stuttering(seed=1):
            until(lambda: time.monotonic() - onset >= LOOK, "time")
            decoys_are_felt(seen)
            the_prober_itself_is_reported(seen)
            a_sick_prober_silences_its_pages(seen)
            nobody_is_paged_for_a_decoy(seen)
    looked_at = time.monotonic() - onset
    record_property("decoys looked at", round(looked_at, 1))
    with capsys.disabled():
        sys.stdout.write(f"\nthrottled, expired, deaf, frozen: no page within {looked_at:.1f} s\n")


def everybody_is_well(ward: Ward) -> None:
    """Every client of every prober has been well."""
    well = 'max by (instance, client) (max_over_time(clientaccess_up{client!="control"}[10m])) == 1'
    until(lambda: len(ward.prometheus.query(well)) == len(ward.scenes) * len(URLS), "health")


def decoys_are_felt(ward: Ward) -> None:
    for who, promql in SHOWN.items():
        until(partial(ward.felt, who, promql), who)


def the_prober_itself_is_reported(ward: Ward) -> None:
    """As tickets, to whoever can mend it."""
    for name, (_, who) in HURRIED.items():
        alert = f'ALERTS{{alertname="{name}",alertstate="firing",instance="{ward.scenes[who].instance}"}}'
        until(partial(ward.fires, alert), name)


def a_sick_prober_silences_its_pages(ward: Ward) -> None:
    """The page of the incident, had the frozen prober raised it."""
    labels = PAGE | {"instance": ward.scenes["frozen"].instance}
    ward.alertmanager.post([labels])
    until(lambda: labels in ward.alertmanager.suppressed(), "inhibition")


def the_labels_are_right(pages: Sequence[Call]) -> None:
    """They go to whoever looks after mail, and name those clients that are hit, or what they share, and no other."""
    assert {page.receiver for page in pages} == {"mail"}
    for page in pages:
        labels = page.labels
        assert COMMON.items() <= labels.items()
        assert labels.get("client", "outlook_mac") in HIT
        assert {"summary", "description", "runbook_url"} <= page.annotations.keys()
    named = {(page.labels["group_kind"], page.labels["group"]) for page in pages if "group" in page.labels}
    assert named & RIGHT
    assert {kind for kind, _ in named} <= set(KINDS.split("|"))


def nobody_is_paged_for_a_decoy(ward: Ward) -> None:
    """Alertmanager has called nobody, Prometheus had nothing to say, and no detector found mail failing."""
    assert [page for who in DECOYS for page in ward.pages(who)] == []
    assert ward.said(DECOYS) == ([], [])


def until(holds: Callable[[], bool], what: str) -> None:
    """Look twice a second, which leaves the processor to those who are looked at."""
    ends = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < ends, f"{what}: not within {PATIENCE:g} s"
        Event().wait(0.5)


def plan(who: str) -> dict[str, Any]:
    """Return the file of a tenant: a mailbox at each of five sites, for the decoys at two."""
    sites = [name for name in SITES if who == "struck" or name in AT_DECOYS]
    return {
        "sites": [{"name": name, "region": SITES[name], "code": name.upper()} for name in sites],
        "mailboxes": [{"address": f"{name}@contoso.example", "site": name} for name in sites],
        "token_lifetime": SHORT_LIFE if who == "expired" else LIFE,
    }


def known(name: str) -> dict[str, Any]:
    """Return an incident of the catalogue as it stands there."""
    document = yaml.safe_load(INCIDENTS.read_text())
    found: dict[str, Any] = next(one for one in (*document["scenarios"], *document["decoys"]) if one["id"] == name)
    return found


def at_full_strength() -> dict[str, Any]:
    """Return EX1256020 without its growing and dying down, and without an end."""
    return {key: value for key, value in known("S01a").items() if key not in ("shape", "duration_min")}


def asking_for_quiet() -> dict[str, Any]:
    """Return the decoy D03, made as tempting as the incident: of both its clients, and again and again."""
    decoy = known("D03")
    return decoy | {"faults": [one | {"client": sorted(HIT), "retry_after": 2} for one in decoy["faults"]]}


def shipped(folder: Path) -> list[Path]:
    """Write the shipped rules again but for what is about this machine: whether it is too busy for five probers."""
    folder.mkdir()
    for source in RULES.glob("*.yml"):
        document = yaml.safe_load(source.read_text())
        for group in document["groups"]:
            group["rules"] = [rule for rule in group["rules"] if rule.get("alert") != SICK]
        (folder / source.name).write_text(yaml.safe_dump(document, sort_keys=False))
    return sorted(path for path in folder.iterdir() if path.name != APART)


def hurried(file: Path, scenes: Mapping[str, Scene]) -> Path:
    """Write the alerts that wait for minutes again, each for one prober alone, with all their durations divided."""
    rules = []
    for name, (source, who) in HURRIED.items() if set(scenes) >= set(DECOYS) else ():
        groups = yaml.safe_load((RULES / source).read_text())["groups"]
        found = [rule for group in groups for rule in group["rules"] if rule.get("alert") == name]
        rules += [quick(rule, scenes[who].instance) for rule in found]
    file.write_text(yaml.safe_dump({"groups": [{"name": "hurried", "interval": "1s", "rules": rules}]}))
    return file


def quick(rule: dict[str, Any], instance: str) -> dict[str, Any]:
    waits = {key: shorter(rule[key]) for key in ("for", "keep_firing_for") if key in rule}
    expr = re.sub(r"\[(\w+)\]", lambda found: f"[{shorter(found[1])}]", rule["expr"])
    return rule | waits | {"expr": f'({expr}) and on (job, instance) up{{instance="{instance}"}}'}


def shorter(duration: str) -> str:
    seconds = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
    whole = sum(int(number) * seconds[unit] for number, unit in re.findall(r"(\d+)([smhd])", duration))
    return f"{whole // HURRY}s"
