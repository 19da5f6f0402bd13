"""Sources and streams of samples, by hand."""

from collections.abc import Iterable

from prober.detect.detector import Detector, Policy, Sample, What
from prober.detect.group import Group, GroupKind, Hear
from prober.detect.groups import Source
from prober.vocabulary import Environment

ONLINE = Environment.EXCHANGE_ONLINE
START = 1_800_000_000.0


def source(client: str = "imap4", region: str = "", *, interval: float = 30.0, **more: object) -> Source:
    """Return a source in Exchange Online, seen from Frankfurt."""
    return Source(ONLINE, client, "fra1", interval, region, **more)  # type: ignore[arg-type]  # passed on


def lone(*, policy: Policy | None = None, hear: Hear | None = None, interval: float = 30.0) -> Detector:
    """Return a detector of one client at one place."""
    return Detector({"imap4/one": source(interval=interval)}, policy, hear)


def client_group(detector: Detector, client: str = "imap4") -> Group:
    """Return the group of a client."""
    return detector.group(GroupKind.CLIENT, f"{ONLINE.value}/{client}")


def feed(
    detector: Detector, results: Iterable[bool], *, at: float = START, every: float = 30.0, key: str = "imap4/one"
) -> float:
    """Let attempts fail (`True`) or succeed, `every` seconds; return the time of the next."""
    for failed in results:
        detector.observe(Sample(key, at, What.FAILED if failed else What.OK, "sign_in" if failed else ""))
        at += every
    return at
