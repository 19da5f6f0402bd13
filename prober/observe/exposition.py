"""Text for Prometheus: the format it asked for and we really produce, in slices that leave the loop to the probes."""

import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, exposition
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics import exposition as openmetrics

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
END = b"# EOF\n"
GZIP_LEVEL = 1
_GZIP_WINDOW = 31


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
    """Return the format for these request headers (RFC 9110 section 12.5).

    OpenMetrics is answered as version 1.0.0 only, which any scraper that names the type understands; what is not
    asked for is answered as text 0.0.4.
    """
    wants = any(kind == "application/openmetrics-text" and weight > 0 for kind, weight in _weights(accept))
    encodings = dict(_weights(accept_encoding))
    compressed = encodings.get("gzip", encodings.get("*", 0.0)) > 0
    return Format(OPENMETRICS if wants else TEXT, compressed)


def _weights(header: str) -> Iterator[tuple[str, float]]:
    for part in header.split(","):
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        weight = next((found[1] for one in parameters if (found := re.fullmatch(r"q=(.*)", one))), "1")
        if name:
            yield name, float(weight) if weight.replace(".", "", 1).isdigit() else 0.0


def slices(registry: CollectorRegistry, chosen: Format) -> Iterator[bytes]:
    """Give the answer family by family; whoever sends it may do other things in between."""
    pieces = _plain(registry, chosen)
    if not chosen.compressed:
        yield from pieces
        return
    packer = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, _GZIP_WINDOW)
    for piece in pieces:
        yield packer.compress(piece)
    yield packer.flush()


def _plain(registry: CollectorRegistry, chosen: Format) -> Iterator[bytes]:
    for family in registry.collect():
        one = _Families([family])
        if chosen.content_type == TEXT:
            yield exposition.generate_latest(one)
        else:
            text: bytes = openmetrics.generate_latest(one)  # type: ignore[no-untyped-call]  # not annotated there
            yield text.removesuffix(END)
    if chosen.content_type != TEXT:
        yield END


def render(registry: CollectorRegistry, accept: str = "", accept_encoding: str = "") -> tuple[bytes, dict[str, str]]:
    """Return the whole answer and its headers."""
    chosen = negotiate(accept, accept_encoding)
    return b"".join(slices(registry, chosen)), headers(chosen)


def headers(chosen: Format) -> dict[str, str]:
    """Return the response headers of an answer in this format."""
    fields = {"Content-Type": chosen.content_type, "Vary": "Accept, Accept-Encoding"}
    return {**fields, "Content-Encoding": "gzip"} if chosen.compressed else fields
