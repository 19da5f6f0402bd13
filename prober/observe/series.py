"""Series as plain numbers: the values of a metric lie side by side, and the text of its labels is made once.

prometheus-client's registry collects the families, and its own encoders can write them. Its children are not used: each
costs a lock, a dictionary and a kilobyte, where a number is enough on a single loop.

Rule of this file: no lock and no thread. Reading a whole registry is a copy of numbers; writing it out comes later.
"""

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from math import inf
from sys import intern
from typing import Generic, Literal, TypeVar

from prometheus_client.metrics_core import Metric
from prometheus_client.samples import Sample
from prometheus_client.utils import floatToGoString

Kind = Literal["counter", "gauge", "histogram", "summary"]
Texts = tuple[str, ...]
K = TypeVar("K")
EXPONENT = 1e6
"""From here on numbers are written with an exponent, as Go does."""
TOGETHER = 256
"""How many numbers are written in one go: that takes a tenth of a millisecond."""
NUMBER = 8
"""Bytes of one."""


class Child:
    """The series of one set of labels: `width` numbers of its family from `at` on."""

    __slots__ = ("at", "values")

    def __init__(self, values: "array[float]", at: int) -> None:
        self.values = values
        self.at = at

    def move(self, values: "array[float]", at: int) -> None:
        """Have the numbers there from now on."""
        self.values, self.at = values, at


class Counter(Child):
    """Goes up."""

    __slots__ = ()

    def inc(self, amount: float = 1.0) -> None:
        """Count. Raises `ValueError` for less than nothing."""
        if amount < 0.0:
            raise ValueError("a counter goes up")
        self.values[self.at] += amount


class Gauge(Child):
    """Goes up and down."""

    __slots__ = ("_functions",)

    def __init__(self, values: "array[float]", at: int, functions: dict[int, Callable[[], float]]) -> None:
        super().__init__(values, at)
        self._functions = functions

    def set(self, value: float) -> None:
        """Be `value`."""
        self.values[self.at] = value

    def set_function(self, function: Callable[[], float]) -> None:
        """Be what `function` returns whenever somebody writes the series out."""
        self._functions[self.at] = function


class Summary(Child):
    """How many, and how much in all."""

    __slots__ = ()

    def observe(self, amount: float) -> None:
        """Take in one."""
        self.values[self.at] += 1.0
        self.values[self.at + 1] += amount


class Summed(Generic[K]):
    """Summaries of one family, each known by what it sums up.

    They are no children, for every phase of every step goes through here: who holds them lets go of them before one of
    their series is dropped.
    """

    __slots__ = ("_places", "_values")

    def __init__(self, summaries: Mapping[K, Summary]) -> None:
        self._values = next(iter(summaries.values())).values
        self._places = {key: one.at for key, one in summaries.items()}

    def observe(self, amounts: Mapping[K, float]) -> None:
        """Take in each amount where it belongs."""
        values, places = self._values, self._places
        for key, amount in amounts.items():
            at = places[key]
            values[at] += 1.0
            values[at + 1] += amount


class Tally:
    """Counters that go up together, and gauges that are set to the same at that: as `inc` and `set`, written out."""

    __slots__ = ("_counters", "_gauges")

    def __init__(self, counters: Iterable[Counter], gauges: Iterable[Gauge]) -> None:
        self._counters = tuple(counters)
        self._gauges = tuple(gauges)

    def take(self, value: float) -> None:
        """Count one, and be `value`."""
        for counter in self._counters:
            counter.values[counter.at] += 1.0
        for gauge in self._gauges:
            gauge.values[gauge.at] = value


class Histogram(Child):
    """How many up to each bound, each counted in the narrowest only, and how much in all."""

    __slots__ = ("bounds", "total")

    def __init__(self, values: "array[float]", at: int, bounds: Sequence[float]) -> None:
        super().__init__(values, at)
        self.bounds = bounds
        self.total = at + len(bounds)

    def move(self, values: "array[float]", at: int) -> None:
        """Have the numbers there from now on."""
        super().move(values, at)
        self.total = at + len(self.bounds)

    def observe(self, amount: float) -> None:
        """Take in one."""
        values = self.values
        values[self.at + bisect_left(self.bounds, amount)] += 1.0
        values[self.total] += amount


One = TypeVar("One", bound=Child, covariant=True)


class Family(Generic[One]):
    """One metric with all its series; a collector of prometheus-client. `name` is without `_total`.

    Without labels there is one series, from the start. A kind of metric says how many numbers a series takes, what its
    child is and how it is written.
    """

    kind: Kind
    width = 1

    def __init__(self, name: str, documentation: str, labels: Iterable[str] = ()) -> None:
        self.name = name
        self.documentation = documentation
        self.label_names = tuple(labels)
        self.values = array("d")
        self.functions: dict[int, Callable[[], float]] = {}
        self.children: dict[Texts, One] = {}
        self.catch_up: Callable[[], None] | None = None
        """Called before the series are read, by who would rather set them then than whenever something happens."""
        self._heads: list[Texts | None] = []
        self._being_read = False
        self._free: list[int] = []
        self._order = sorted(range(len(self.label_names)), key=self.label_names.__getitem__)
        if not self.label_names:
            self.labels()

    def labels(self, *values: str, **named: str) -> One:
        """Return the child with these label values, made with 0. Raises `ValueError` for other labels than its own."""
        if named:
            if values or named.keys() != set(self.label_names):
                raise ValueError(f"{self.name} has the labels {self.label_names}")
            values = tuple(named[name] for name in self.label_names)
        key = tuple(map(str, values))  # a member of an enumeration would keep its class
        child = self.children.get(key)
        return self._add(key) if child is None else child

    def remove(self, *values: str) -> None:
        """Drop one series, if there is one. Who still holds it writes where nobody reads."""
        child = self.children.pop(tuple(map(str, values)), None)
        if child is None:
            return
        self.functions.pop(child.at, None)
        self._rename(child.at, None)
        self._free.append(child.at)
        child.move(array("d", bytes(NUMBER * self.width)), 0)

    def clear(self) -> None:
        """Drop every series."""
        for labels in tuple(self.children):
            self.remove(*labels)

    def describe(self) -> Iterable[Metric]:
        """Return the metric without its series."""
        return [Metric(self.name, self.documentation, self.kind)]

    def collect(self) -> Iterable[Metric]:
        """Return the metric as it is at this moment; it is written out when somebody wants it."""
        if self.catch_up is not None:
            self.catch_up()
        self._being_read = True
        return [Reading(self, self._heads, self.values[:])]

    def child(self, at: int) -> One:
        """Return the child whose numbers begin there."""
        raise NotImplementedError

    def head(self, pairs: Sequence[str]) -> Texts:
        """Return the text of labels, given as sorted pairs, in the parts in which `written` needs it."""
        return (_braced(pairs),)

    def written(self, heads: Sequence[Texts | None], values: Sequence[float]) -> str:
        """Return the lines of these series."""
        raise NotImplementedError

    def samples(self, values: Sequence[float]) -> Iterator[tuple[str, Mapping[str, str], float]]:
        """Give the samples of one series: what follows the name, labels besides its own, value."""
        raise NotImplementedError

    def _add(self, key: Texts) -> One:
        if len(key) != len(self.label_names):
            raise ValueError(f"{self.name} has the labels {self.label_names}")
        head = self.head([f'{self.label_names[one]}="{_escaped(key[one])}"' for one in self._order])
        zeros = array("d", bytes(NUMBER * self.width))
        if self._free:
            at = self._free.pop()
            self.values[at : at + self.width] = zeros
            self._rename(at, head)
        else:
            at = len(self.values)
            self.values.extend(zeros)
            self._heads.append(head)  # whoever is reading stops before it
        child = self.children[key] = self.child(at)
        return child

    def _rename(self, at: int, head: Texts | None) -> None:
        """Say whose numbers these are; whoever is reading goes on with whose they were."""
        if self._being_read:
            self._heads, self._being_read = self._heads.copy(), False
        self._heads[at // self.width] = head


class Counters(Family[Counter]):
    """A counter's series."""

    kind = "counter"

    def child(self, at: int) -> Counter:
        """Return a counter."""
        return Counter(self.values, at)

    def written(self, heads: Sequence[Texts | None], values: Sequence[float]) -> str:
        """Return one line each."""
        return _one_each(f"{self.name}_total", heads, values)

    def samples(self, values: Sequence[float]) -> Iterator[tuple[str, Mapping[str, str], float]]:
        """Give the one."""
        yield "_total", {}, values[0]


class Gauges(Family[Gauge]):
    """A gauge's series."""

    kind = "gauge"

    def child(self, at: int) -> Gauge:
        """Return a gauge."""
        return Gauge(self.values, at, self.functions)

    def written(self, heads: Sequence[Texts | None], values: Sequence[float]) -> str:
        """Return one line each."""
        return _one_each(self.name, heads, values)

    def samples(self, values: Sequence[float]) -> Iterator[tuple[str, Mapping[str, str], float]]:
        """Give the one."""
        yield "", {}, values[0]


class Summaries(Family[Summary]):
    """A summary's series."""

    kind = "summary"
    width = 2

    def child(self, at: int) -> Summary:
        """Return a summary."""
        return Summary(self.values, at)

    def written(self, heads: Sequence[Texts | None], values: Sequence[float]) -> str:
        """Return two lines each."""
        count, total = f"{self.name}_count", f"{self.name}_sum"
        every_other = zip(heads, values[::2], values[1::2], strict=True)
        return "".join(
            [
                f"{count}{head[0]} {number(many)}\n{total}{head[0]} {number(much)}\n"
                for head, many, much in every_other
                if head is not None
            ]
        )

    def samples(self, values: Sequence[float]) -> Iterator[tuple[str, Mapping[str, str], float]]:
        """Give both."""
        yield "_count", {}, values[0]
        yield "_sum", {}, values[1]


class Histograms(Family[Histogram]):
    """A histogram's series. `bounds` ascend; the last one, infinity, is added."""

    kind = "histogram"

    def __init__(self, name: str, documentation: str, labels: Iterable[str], bounds: Iterable[float]) -> None:
        self._bounds = (*bounds, inf)
        self._limits = tuple(number(bound) for bound in self._bounds)
        self.width = len(self._bounds) + 1
        super().__init__(name, documentation, labels)

    def child(self, at: int) -> Histogram:
        """Return a histogram."""
        return Histogram(self.values, at, self._bounds)

    def head(self, pairs: Sequence[str]) -> Texts:
        """Return the whole text, and what stands before and after the bound of a bucket."""
        here = sum(pair.partition("=")[0] < "le" for pair in pairs)
        before = "".join(f"{pair}," for pair in pairs[:here])
        after = "".join(f",{pair}" for pair in pairs[here:])
        return _braced(pairs), intern(f'{{{before}le="'), f'"{after}}}'

    def written(self, heads: Sequence[Texts | None], values: Sequence[float]) -> str:
        """Return a line for each bucket, and two more."""
        name, limits, width = self.name, self._limits, self.width
        lines: list[str] = []
        for place, head in enumerate(heads):
            if head is not None:
                whole, before, after = head
                *buckets, much = values[place * width : (place + 1) * width]
                totals = [number(total) for total in accumulate(buckets)]
                start = f"{name}_bucket{before}"
                lines += [f"{start}{limit}{after} {total}\n" for limit, total in zip(limits, totals, strict=True)]
                lines.append(f"{name}_count{whole} {totals[-1]}\n{name}_sum{whole} {number(much)}\n")
        return "".join(lines)

    def samples(self, values: Sequence[float]) -> Iterator[tuple[str, Mapping[str, str], float]]:
        """Give them in the same order."""
        *buckets, much = values
        for limit, total in zip(self._limits, accumulate(buckets), strict=True):
            yield "_bucket", {"le": limit}, total
        yield "_count", {}, sum(buckets)
        yield "_sum", {}, much


class Reading(Metric):
    """A family as it was at one moment. Gauges that ask a function do so when they are written."""

    def __init__(self, family: Family[Child], heads: Sequence[Texts | None], values: "array[float]") -> None:
        super().__init__(family.name, family.documentation, family.kind)
        self._family = family
        self._heads = heads
        self._values = values

    @property
    def samples(self) -> list[Sample]:
        """Return every sample, for who reads them one by one."""
        family, found = self._family, []
        for labels, child in family.children.items():
            own = dict(zip(family.label_names, labels, strict=True))
            values = self._between(child.at, child.at + family.width)
            found += [Sample(self.name + suffix, {**own, **more}, one) for suffix, more, one in family.samples(values)]
        return found

    @samples.setter
    def samples(self, samples: list[Sample]) -> None:
        """Ignore the empty list that a metric begins with."""

    def texts(self) -> Iterator[str]:
        """Give the lines of all series, a few hundred at a time."""
        family, width = self._family, self._family.width
        step = max(1, TOGETHER // width)
        for start in range(0, len(self._values) // width, step):
            values = self._between(start * width, (start + step) * width)
            yield family.written(self._heads[start : start + len(values) // width], values)

    def _between(self, start: int, end: int) -> Sequence[float]:
        values, functions = self._values[start:end], self._family.functions
        for at in range(start, end) if functions else ():
            if at in functions:
                values[at - start] = functions[at]()
        return values


def number(value: float) -> str:
    """Return a number as Prometheus reads it: `0.0`, `1.5e+06`, `+Inf`, `NaN`."""
    if -EXPONENT < value < EXPONENT:
        return repr(value)
    text: str = floatToGoString(value)  # type: ignore[no-untyped-call]  # not annotated there
    return text


def _one_each(name: str, heads: Sequence[Texts | None], values: Sequence[float]) -> str:
    pairs = zip(heads, values, strict=True)
    return "".join([f"{name}{head[0]} {number(value)}\n" for head, value in pairs if head is not None])


def _braced(pairs: Sequence[str]) -> str:
    return f"{{{','.join(pairs)}}}" if pairs else ""


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
