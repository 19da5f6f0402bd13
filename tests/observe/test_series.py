"""Plain numbers behave as the library's own metrics do, and a reading stays as it was."""

from collections.abc import Iterator
from functools import partial
from math import inf, nan
from typing import Any

import prometheus_client
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics

from prober.observe.exposition import OPENMETRICS, TEXT, Format, slices
from prober.observe.series import Counters, Family, Gauges, Histograms, Reading, Summaries, Summed, Tally, number

LABELS = ("target", "client", "zone")
BOUNDS = (0.1, 1.0, 2.5)


@pytest.fixture(autouse=True)
def without_times_of_creation() -> Iterator[None]:
    """The library adds them unless it is told not to."""
    prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]  # not annotated there
    yield
    prometheus_client.enable_created_metrics()  # type: ignore[no-untyped-call]  # not annotated there


class Twins:
    """One registry of ours and one of the library's, with the same metrics."""

    def __init__(self) -> None:
        self.ours, self.theirs = CollectorRegistry(), CollectorRegistry()
        made: dict[str, Family[Any]] = {
            "c": Counters("c", 'A\ncounter\\ "', LABELS),
            "g": Gauges("g", "A gauge", LABELS),
            "s": Summaries("s", "A summary", LABELS),
            "h": Histograms("h", "A histogram", LABELS, BOUNDS),
            "plain_c": Counters("plain_c", "Without labels"),
            "plain_h": Histograms("plain_h", "Without labels", (), BOUNDS),
        }
        for family in made.values():
            self.ours.register(family)
        library: dict[str, Any] = {
            "c": prometheus_client.Counter("c", 'A\ncounter\\ "', LABELS, registry=self.theirs),
            "g": prometheus_client.Gauge("g", "A gauge", LABELS, registry=self.theirs),
            "s": prometheus_client.Summary("s", "A summary", LABELS, registry=self.theirs),
            "h": prometheus_client.Histogram("h", "A histogram", LABELS, buckets=BOUNDS, registry=self.theirs),
            "plain_c": prometheus_client.Counter("plain_c", "Without labels", registry=self.theirs),
            "plain_h": prometheus_client.Histogram("plain_h", "Without labels", buckets=BOUNDS, registry=self.theirs),
        }
        self.pairs = {name: (made[name], library[name]) for name in made}

    def both(self, name: str, labels: tuple[str, ...], act: str, value: float) -> None:
        """Do the same on both sides."""
        ours, theirs = self.pairs[name]
        getattr(ours.labels(*labels) if ours.label_names else ours.labels(), act)(value)
        getattr(theirs.labels(*labels) if ours.label_names else theirs, act)(value)


def written(registry: CollectorRegistry, content_type: str = TEXT) -> bytes:
    return b"".join(slices(registry, Format(content_type, compressed=False)))


TEXTS = st.text(max_size=8)
VALUES = st.floats(allow_nan=True) | st.integers(-(10**9), 10**9).map(float)
COUNTS = st.floats(0.0, 1e18)
ACTS = {
    "c": ("inc", COUNTS),
    "g": ("set", VALUES),
    "s": ("observe", VALUES),
    "h": ("observe", COUNTS | st.sampled_from(BOUNDS)),
    "plain_c": ("inc", COUNTS),
    "plain_h": ("observe", COUNTS),
}


@given(
    st.lists(
        st.sampled_from(sorted(ACTS)).flatmap(
            lambda name: st.tuples(st.just(name), st.tuples(TEXTS, TEXTS, TEXTS), ACTS[name][1])
        ),
        max_size=12,
    )
)
def test_whatever_is_done_both_write_the_same(done: list[tuple[str, tuple[str, str, str], float]]) -> None:
    """Byte by byte, in both formats; and the library's encoders write ours as they write theirs."""
    twins = Twins()
    for name, labels, value in done:
        twins.both(name, labels, ACTS[name][0], value)
    assert written(twins.ours) == generate_latest(twins.theirs) == generate_latest(twins.ours)
    openmetrics: bytes = generate_openmetrics(twins.theirs)  # type: ignore[no-untyped-call]  # not annotated there
    assert written(twins.ours, OPENMETRICS) == openmetrics


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0.0"),
        (-0.0, "-0.0"),
        (17.0, "17.0"),
        (999_999.5, "999999.5"),
        (1_500_000.0, "1.5e+06"),
        (-1_500_000.0, "-1500000.0"),
        (1e300, "1e+300"),
        (inf, "+Inf"),
        (-inf, "-Inf"),
        (nan, "NaN"),
    ],
)
def test_a_number_is_written_as_prometheus_writes_it(value: float, text: str) -> None:
    assert number(value) == text


def test_a_reading_stays_as_it_was() -> None:
    """Whatever is counted, added, dropped or put in the place of what was dropped."""
    family = Counters("c", "h", ["l"])
    family.labels("a").inc(1)
    family.labels("b").inc(2)
    (reading,) = family.collect()
    assert isinstance(reading, Reading)
    family.labels("a").inc(10)
    family.remove("b")
    family.labels("c").inc(3)
    family.labels("d")
    assert "".join(reading.texts()) == 'c_total{l="a"} 1.0\nc_total{l="b"} 2.0\n'
    assert written_of(family) == 'c_total{l="a"} 11.0\nc_total{l="c"} 3.0\nc_total{l="d"} 0.0\n'


def written_of(family: Family[Any]) -> str:
    (reading,) = family.collect()
    assert isinstance(reading, Reading)
    return "".join(reading.texts())


def test_who_holds_a_dropped_series_harms_nobody() -> None:
    """Not even the one that took its place."""
    family = Histograms("h", "h", ["l"], BOUNDS)
    held = family.labels("a")
    family.remove("a")
    family.remove("a")
    family.labels("b")
    held.observe(0.5)
    assert {line.split()[-1] for line in written_of(family).splitlines()} == {"0.0"}
    family.clear()
    assert written_of(family) == ""


def test_what_is_counted_together_is_as_if_each_had_been_counted() -> None:
    """Also after one of them was dropped and its place given away; and where there are none."""
    counters, gauges = Counters("c", "h", ["l"]), Gauges("g", "h", ["l"])
    counters.labels("other").inc(5)
    tally = Tally([counters.labels("a"), counters.labels("b")], [gauges.labels("a")])
    tally.take(7.0)
    tally.take(8.0)
    Tally([], []).take(9.0)
    assert written_of(counters) == 'c_total{l="other"} 5.0\nc_total{l="a"} 2.0\nc_total{l="b"} 2.0\n'
    assert written_of(gauges) == 'g{l="a"} 8.0\n'
    counters.remove("a")
    counters.labels("c")
    tally.take(1.0)
    assert written_of(counters) == 'c_total{l="other"} 5.0\nc_total{l="c"} 0.0\nc_total{l="b"} 3.0\n'


def test_what_is_summed_by_name_is_as_if_each_had_been_observed() -> None:
    """Side by side or not; those that are not among the amounts stay as they are."""
    ours, theirs = (Summaries("s", "h", ["l"]) for _ in range(2))
    for family in (ours, theirs):
        family.labels("gone")
        family.labels("other").observe(0.5)
        family.remove("gone")
    summed = Summed({name: ours.labels(name) for name in ("c", "a", "b")})
    for amounts in ({"a": 0.1, "c": 0.2}, {}, {"a": 0.7}):
        summed.observe(amounts)
        for name, amount in amounts.items():
            theirs.labels(name).observe(amount)
    for name in ("c", "a", "b"):
        theirs.labels(name)
    assert sorted(written_of(ours).splitlines()) == sorted(written_of(theirs).splitlines())


def test_a_gauge_may_ask_when_it_is_written() -> None:
    """Until it is dropped; each its own function, also far behind the first few hundred series."""
    family = Gauges("g", "h", ["l"])
    for place in range(600):
        family.labels(str(place)).set_function(partial(float, place))
    lines = written_of(family).splitlines()
    assert lines == [f'g{{l="{place}"}} {place}.0' for place in range(600)]
    family.remove("599")
    family.labels("x")
    assert written_of(family).splitlines()[599] == 'g{l="x"} 0.0'


def test_only_its_own_labels_are_accepted_and_a_counter_goes_up() -> None:
    family = Counters("c", "h", ["client", "target"])
    assert family.labels("a", "b") is family.labels(target="b", client="a")
    for few in ({}, {"target": "b"}, {"client": "a", "site": "b"}):
        with pytest.raises(ValueError, match="has the labels"):
            family.labels(**few)
    with pytest.raises(ValueError, match="has the labels"):
        family.labels("a", target="b")
    with pytest.raises(ValueError, match="goes up"):
        family.labels("a", "b").inc(-1)
