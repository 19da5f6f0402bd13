"""What belongs together, seen from the server."""

from prober.simulator.faults.attempts import Tracker
from prober.simulator.wire import Attempt, Connection, Host

PHONE = Host("activesync.ams1.test", "127.16.5.1", 443, client="activesync", site="ams1", region="eu")
READER = Host("imap4.ams1.test", "127.16.4.1", 993, "imaps", "imap4", "ams1", "eu")
LOGIN = Host("login.test", "127.8.0.1", 443)


class Scene:
    """A tracker on a clock that stands still until it is set."""

    def __init__(self) -> None:
        self.now = 0.0
        self.tracker = Tracker(lambda: self.now)
        self.count = 0

    def connect(self, host: Host) -> Connection:
        self.count += 1
        return Connection(self.count, host, "127.0.0.1", self.now, self.tracker.accepted(host))


def test_look_up_and_connections_that_overlap_are_one_attempt() -> None:
    """And the next connection after the last has closed is the next one."""
    scene = Scene()
    found = scene.tracker.looked_up(PHONE)
    first = scene.connect(PHONE)
    second = scene.connect(PHONE)
    scene.tracker.closed(first)
    third = scene.connect(PHONE)
    assert found is first.attempt is second.attempt is third.attempt
    scene.tracker.closed(second)
    scene.tracker.closed(third)
    assert scene.connect(PHONE).attempt.number == 2


def test_the_next_attempt_begins_at_once() -> None:
    """However soon after the last: a connection that has closed ends it."""
    scene = Scene()
    scene.tracker.closed(scene.connect(READER))
    assert scene.tracker.looked_up(READER).number == 2
    assert scene.connect(READER).attempt.number == 2


def test_look_ups_without_a_connection_end_by_quiet() -> None:
    """Two questions of one look-up are one attempt, the same name a minute later is another."""
    scene = Scene()
    first = scene.tracker.looked_up(PHONE)
    scene.now = 0.5
    assert scene.tracker.looked_up(PHONE) is first
    scene.now = 60
    assert scene.tracker.looked_up(PHONE).number == 2


def test_a_connection_that_waits_for_news_keeps_no_attempt_going() -> None:
    """A held channel would else swallow every attempt beside it; closing it later counts once."""
    scene = Scene()
    channel = scene.connect(PHONE)
    scene.tracker.held(channel)
    attempt = scene.connect(PHONE)
    assert attempt.attempt.number == 2
    scene.tracker.closed(channel)
    assert scene.connect(PHONE).attempt is attempt.attempt


def test_clients_and_sites_do_not_mix() -> None:
    """Each has attempts of its own."""
    scene = Scene()
    assert scene.connect(PHONE).attempt is not scene.connect(READER).attempt


def test_a_request_on_a_shared_host_joins_its_clients_attempt() -> None:
    """The one under way; without one it begins an attempt that the client's connection then belongs to."""
    scene = Scene()
    phone, token = scene.connect(PHONE), scene.connect(LOGIN)
    assert scene.tracker.joins("activesync", token) is phone.attempt
    early = scene.tracker.joins("imap4", token)
    assert early is not token.attempt
    assert scene.tracker.joins("", token) is token.attempt


def test_an_attempt_knows_how_long_the_last_one_was() -> None:
    """By its number of requests, at least one."""
    scene = Scene()
    first = scene.connect(PHONE)
    first.attempt.requests = 7
    scene.tracker.closed(first)
    assert scene.connect(PHONE).attempt.usual == 7
    assert Attempt("x", 1).usual == 1
