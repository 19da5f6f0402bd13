"""Orders: plain data that arrives as it was sent."""

from dataclasses import replace
from math import inf
from pathlib import Path

from prober.clients import catalogue
from prober.model import Recording
from prober.schedule.governor import HeldBack
from prober.settings.load import load
from prober.workers.link import packed
from prober.workers.orders import Share, Standing, sendable
from tests.workers.test_link import ASIDE, OUTCOME, unpacked

EXAMPLES = sorted((Path(__file__).parents[2] / "config").glob("*.yml"))


def test_a_share_of_every_example_arrives_as_it_was() -> None:
    """Options of clients, routes, credentials: whatever a configuration can hold can be sent."""
    assert EXAMPLES
    for file in EXAMPLES:
        settings = load([file], catalogue(), check_files=False)
        share = Share(settings, "an installation", {"records": {"a": "b"}}, {"control": 1.0}, 30.0, 20)
        assert unpacked(packed([("share", share)])) == [("share", share)]


def test_how_a_worker_stands_arrives_as_it_was() -> None:
    """Infinity among it."""
    standing = Standing(
        {"imap4/hq": HeldBack("imap4", "hq", inf, "because", parked=True)}, {"app": 1}, {}, (), 1.5, 2.0
    )
    assert unpacked(packed([("standing", standing)])) == [("standing", standing)]


class Taken:
    """A recording that holds more than it shows."""

    secret = "a body"

    def lines(self) -> list[str]:
        return ["> GET /"]

    def request_ids(self) -> dict[str, list[str]]:
        return {"request-id": ["1"]}

    def servers(self) -> dict[str, list[str]]:
        return {"x-feserver": ["A"]}


def test_of_what_was_taken_down_is_sent_what_may_be_shown() -> None:
    """And nothing else: the recording itself stays where it was made."""
    assert sendable(OUTCOME) is OUTCOME
    sent = sendable(replace(OUTCOME, aside=replace(ASIDE, recording=Taken())))
    ((outcome,),) = unpacked(packed([(sent,)]))
    recording: Recording = outcome.aside.recording
    assert outcome.aside.prober == ASIDE.prober
    assert list(recording.lines()) == ["> GET /"]
    assert (recording.request_ids(), recording.servers()) == ({"request-id": ["1"]}, {"x-feserver": ["A"]})
