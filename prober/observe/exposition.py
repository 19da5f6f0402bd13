"""Text for Prometheus: the format it asked for and we really produce, in slices that leave the loop to the probes."""

import re
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, exposition
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics import exposition as openmetrics

from prober.observe.series import Reading

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
TEXT_TYPES = {"text/plain": 2, "text/*": 1, "*/*": 0}
OPENMETRICS_TYPES = {"application/openmetrics-text": 0}
"""What may be asked for by, and how specific that is. Only by its name is OpenMetrics wanted: `*/*` is everybody's."""
END = "# EOF\n"
GZIP_LEVEL = 1
SLICE = 0.001
"""Seconds after which a slice ends; the hundred microseconds of a last piece come on top."""
_GZIP_WINDOW = 31
_QUALITY = re.compile(r"0(\.\d{0,3})?|1(\.0{0,3})?")
_SPECIFIC = 10


@dataclass(frozen=True, slots=True)
class Format:
    """What the answer will be."""

    content_type: str
    compressed: bool


class _Families:
    """A registry of the families it was given; the encoders ask for nothing but `collect`."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        """Give the families."""
        yield from self._families


def negotiate(accept: str, accept_encoding: str) -> Format:
    """Return the format for these request headers (RFC 9110 sections 12.4 and 12.5).

    OpenMetrics is answered where it is asked for by name, in version 1.0.0 or in any, and no less wanted than text
    0.0.4. Everything else is answered with that text, also where nothing that we produce is asked for: a scraper that
    cannot read it could not read an error either.
    """
    asked = list(_weighed(accept))
    text = _quality(asked, TEXT_TYPES, "0.0.4")
    wanted = _quality(asked, OPENMETRICS_TYPES, "1.0.0")
    encodings = {name: quality for name, _, quality in _weighed(accept_encoding)}
    packed = max((encodings[name] for name in ("gzip", "x-gzip") if name in encodings), default=encodings.get("*", 0.0))
    return Format(
        OPENMETRICS if wanted > 0.0 and wanted >= text else TEXT,
        compressed=packed > 0.0 and packed >= encodings.get("identity", 0.0),
    )


def _weighed(header: str) -> Iterator[tuple[str, dict[str, str], float]]:
    """Give what a header lists: the name, its parameters, and how much it is wanted; 0 where that cannot be read."""
    for part in header.lower().split(","):
        name, *rest = (piece.strip() for piece in part.split(";"))
        parameters = {key.strip(): value.strip(' "') for key, _, value in (one.partition("=") for one in rest)}
        quality = parameters.pop("q", "1")
        if name:
            yield name, parameters, float(quality) if _QUALITY.fullmatch(quality) else 0.0


def _quality(asked: Iterable[tuple[str, dict[str, str], float]], types: Mapping[str, int], version: str) -> float:
    """Return how much a format is wanted: what is said of it most specifically; 0 where nothing is."""
    said = [
        (types[name] + _SPECIFIC * ("version" in parameters), quality)
        for name, parameters, quality in asked
        if name in types and parameters.get("version", version) == version
    ]
    return max(said, default=(0, 0.0))[1]


def slices(
    registry: CollectorRegistry, chosen: Format, clock: Callable[[], float] = time.perf_counter
) -> Iterator[bytes]:
    """Give the answer, a millisecond's work at a time; whoever sends it may do other things in between.

    All series are as they were when the first slice was asked for, however long it takes to write them. A slice may be
    empty: what is packed comes in lumps.
    """
    packer = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, _GZIP_WINDOW) if chosen.compressed else None
    parts: list[bytes] = []
    began = clock()
    for text in _texts(list(registry.collect()), chosen):
        part = text.encode(errors="replace")  # half a pair of surrogates must not cost the whole answer
        parts.append(packer.compress(part) if packer else part)
        if clock() - began >= SLICE:
            yield b"".join(parts)
            parts.clear()
            began = clock()
    yield b"".join([*parts, packer.flush() if packer else b""])


def _texts(families: Iterable[Metric], chosen: Format) -> Iterator[str]:
    plain = chosen.content_type == TEXT
    for family in families:
        if not isinstance(family, Reading):
            yield _foreign(family, plain=plain)
            continue
        name = f"{family.name}_total" if plain and family.type == "counter" else family.name
        yield f"# HELP {name} {_documented(family.documentation, plain=plain)}\n# TYPE {name} {family.type}\n"
        yield from family.texts()
    if not plain:
        yield END


def _documented(documentation: str, *, plain: bool) -> str:
    escaped = documentation.replace("\\", r"\\").replace("\n", r"\n")
    return escaped if plain else escaped.replace('"', r"\"")


def _foreign(family: Metric, *, plain: bool) -> str:
    """Return what the library writes for a family that is not ours, such as those of the process."""
    one = _Families([family])
    if plain:
        return exposition.generate_latest(one).decode()
    text: bytes = openmetrics.generate_latest(one)  # type: ignore[no-untyped-call]  # not annotated there
    return text.decode().removesuffix(END)


def render(registry: CollectorRegistry, accept: str = "", accept_encoding: str = "") -> tuple[bytes, dict[str, str]]:
    """Return the whole answer and its headers."""
    chosen = negotiate(accept, accept_encoding)
    return b"".join(slices(registry, chosen)), headers(chosen)


def headers(chosen: Format) -> dict[str, str]:
    """Return the response headers of an answer in this format."""
    fields = {"Content-Type": chosen.content_type, "Vary": "Accept, Accept-Encoding"}
    return {**fields, "Content-Encoding": "gzip"} if chosen.compressed else fields
