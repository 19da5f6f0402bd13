"""The assembly: one network per way out, one device per assignment, everybody hears what they must."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from prober.assembly import Assembly, CredentialStamps, Networks, TokenNews, device_id, kernel_notes_in_force
from prober.clients import catalogue
from prober.exchange import Call
from prober.faults.taxonomy import FaultError, Reason
from prober.net.arrivals import KernelNotes
from prober.net.network import Network, NetworkSetupError
from prober.schedule.budgets import CONNECTIONS, DEFAULTS, GRAPH_AT_ONCE
from prober.schedule.records import SecretMarks
from prober.settings.load import load
from prober.settings.settings import Settings
from prober.storage.store import Store
from prober.timeline import Clock, Timeline
from tests.schedule.made import NOON, NoSession, Told, Watch, assignment

CONFIGURATION = """\
credentials:
  phone: {type: basic, username: probe@corp.test, password_file: password}
targets:
  - name: hq
    environment: exchange_server
    endpoints: {imap4: "imaps://127.0.0.1:1"}
    mailbox: probe@corp.test
    clients: [{client: imap4, credential: phone}]
  - name: lab
    environment: exchange_server
    endpoints: {imap4: "imaps://127.0.0.1:2"}
    clients: [{client: imap4}]
  - name: far
    environment: exchange_server
    endpoints: {imap4: "imaps://127.0.0.1:3"}
    network: {family: ipv4}
    clients: [{client: imap4}]
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "password").write_text("secret")
    file = tmp_path / "prober.yml"
    file.write_text(CONFIGURATION)
    return load([file], catalogue())


@contextmanager
def assembled(
    settings: Settings, store: Store | None = None, *, clock: Clock = time.monotonic, wall: Clock = time.time
) -> Iterator[Assembly]:
    yield Assembly(
        settings,
        catalogue(),
        store or Store.open(None),
        watch=Told(),
        tell=lambda *_: None,
        lagged=lambda _: None,
        clock=clock,
        wall=wall,
    )


def test_a_device_id_is_32_letters_and_digits_that_depend_on_four_things() -> None:
    """Installation, vantage, target and client change it, nothing else does. The value is that of `b2sum -l 128`."""
    one = assignment()
    name = device_id("installation", "fra1", one)
    assert name == "CE7C909A616F1E09C12A049912B73ED6"
    assert len(name) == 32
    assert name.isalnum()
    others = [
        device_id("other", "fra1", one),
        device_id("installation", "fra2", one),
        device_id("installation", "fra1", assignment("lab")),
        device_id("installation", "fra1", assignment(client="activesync")),
    ]
    assert len({name, *others}) == 5
    assert device_id("installation", "fra1", replace(one, interval=5.0, credential=None)) == name


def test_parts_of_a_device_id_do_not_run_into_each_other() -> None:
    """`ab` and `c` is not `a` and `bc`."""
    assert device_id("i", "ab", assignment("c")) != device_id("i", "a", assignment("bc"))


def test_targets_with_the_same_way_out_share_a_network(settings: Settings) -> None:
    """Equal routes, one network; another family, another one."""
    networks = Networks(settings)
    assert networks.of("hq") is networks.of("lab")
    assert networks.of("far") is not networks.of("hq")


def test_kernel_notes_are_in_force_where_they_are_asked_for_and_offered(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a target, or by the way to token services alone."""
    kernel = replace(settings.token_route, timestamps="kernel")
    by_target = replace(settings, routes={**settings.routes, "hq": replace(settings.routes["hq"], timestamps="kernel")})
    monkeypatch.setattr(KernelNotes, "ask", lambda *_: True)
    assert not kernel_notes_in_force(settings)
    assert kernel_notes_in_force(by_target)
    assert kernel_notes_in_force(replace(settings, token_route=kernel))
    monkeypatch.setattr(KernelNotes, "ask", lambda *_: False)
    assert not kernel_notes_in_force(by_target)


async def test_all_ways_out_share_the_kernels_notes_also_after_a_reload(settings: Settings) -> None:
    """One socket keeps the kernel noting, until all are closed."""
    asked = replace(settings, token_route=replace(settings.token_route, timestamps="kernel"))
    before = Networks(asked)
    after = Networks(asked, before=before)
    await before.retire(after)
    assert after.notes is before.notes
    assert (after.notes._keeper is not None) == (sys.platform == "linux")
    await after.close()
    assert after.notes._keeper is None


def test_a_way_out_that_cannot_be_made_is_one_sentence(settings: Settings) -> None:
    """An authority's file that vanished after the check."""
    route = replace(settings.token_route, tls=replace(settings.token_route.tls, ca_file="vanished.pem"))
    with pytest.raises(NetworkSetupError, match=r"vanished\.pem"):
        Networks(replace(settings, token_route=route))


async def test_attempts_share_a_device_and_nothing_else(settings: Settings) -> None:
    """Two transactions of one assignment: same device, own sessions, own timelines; the identity as configured."""
    hq, lab = settings.assignments[:2]
    with assembled(settings) as assembly:
        first, second, other = assembly.open(hq), assembly.open(hq), assembly.open(lab)
        assert first.device is second.device
        assert first.session is not second.session
        assert first.timeline is not second.timeline
        assert other.device.id != first.device.id
        assert (first.identity.kind, first.identity.username) == ("basic", "probe@corp.test")
        for tx in (first, second, other):
            await tx.close()
        await assembly.close()


async def test_what_a_device_remembers_survives_a_restart(settings: Settings, tmp_path: Path) -> None:
    """Its id and its memory come from the store."""
    seen = []
    for _ in range(2):
        store = Store.open(str(tmp_path / "state"))
        with assembled(settings, store) as assembly:
            device = assembly.device(settings.assignments[0])
            seen.append((device.id, device.memory.get("policy_key")))
            device.memory["policy_key"] = "42"
            await assembly.close()
        store.close()
    assert seen == [(seen[0][0], None), (seen[0][0], "42")]


async def test_the_verdicts_hear_of_the_token_service(settings: Settings) -> None:
    """Judging is among those whom the identities tell: a refused token is one of its circumstances."""
    with assembled(settings) as assembly:
        assembly.identities._observer.failed("phone", Reason.AUTH_REJECTED)
        assert assembly.judging._refused_tokens == {"phone"}
        await assembly.close()


def test_token_news_reaches_everybody_in_turn() -> None:
    """Each of the three kinds, with what came with it."""
    heard: list[tuple[object, ...]] = []

    class Observer:
        def __init__(self, name: str) -> None:
            self.name = name

        def requested(self, credential: str) -> None:
            heard.append((self.name, "requested", credential))

        def failed(self, credential: str, reason: Reason) -> None:
            heard.append((self.name, "failed", credential, reason))

        def issued(self, credential: str, expires_at: float) -> None:
            heard.append((self.name, "issued", credential, expires_at))

    news = TokenNews([Observer("a"), Observer("b")])
    news.requested("phone")
    news.failed("phone", Reason.THROTTLED)
    news.issued("phone", 5.0)
    assert heard == [
        (name, *rest)
        for rest in (("requested", "phone"), ("failed", "phone", Reason.THROTTLED), ("issued", "phone", 5.0))
        for name in ("a", "b")
    ]


async def test_the_pace_is_the_configured_one(settings: Settings) -> None:
    """Rate and ceiling of the configuration reach the pacer."""
    with assembled(replace(settings, pacing=replace(settings.pacing, rate=4.0, ceiling=9))) as assembly:
        assert (assembly.pacer._gap, assembly.pacer._ceiling) == (0.25, 9)
        await assembly.close()


def test_the_budgets_are_the_configured_ones(tmp_path: Path) -> None:
    """One that is named is as named, the others as they are."""
    (tmp_path / "password").write_text("secret")
    (tmp_path / "prober.yml").write_text(f"{CONFIGURATION}budgets: {{open_connections: 8}}\n")
    with assembled(load([tmp_path / "prober.yml"], catalogue())) as assembly:
        assembly.governor.budgets.use(CONNECTIONS, "somebody")
        assembly.governor.budgets.use(GRAPH_AT_ONCE, "some app")
        assert assembly.governor.budgets.fullest("open_connections") == 0.125
        assert assembly.governor.budgets.fullest("graph_at_once") == 0.25
        assert {name for _, name in assembly.governor.budgets.names} == set(DEFAULTS)


async def test_requests_and_tokens_are_told_to_the_governor(settings: Settings) -> None:
    """Those of every transaction, whoever opens it."""
    mobile = replace(assignment(client="outlook_mobile"), credential=None)
    mobile = replace(mobile, target=replace(mobile.target, endpoints={"graph": "https://127.0.0.1:1/v1.0"}))
    routes = {**settings.routes, "hq": settings.token_route}
    with assembled(replace(settings, assignments=(mobile,), routes=routes)) as assembly:
        tx = assembly.open(mobile)
        with pytest.raises(FaultError):
            await tx.session.exchange(Call("GET", "https://127.0.0.1:1/v1.0/me"))
        await tx.close()
        assembly.identities._observer.issued("phone", NOON)
        assert assembly.governor.budgets.fullest("graph_requests_per_minute") > 0
        assert assembly.governor.budgets.fullest("tokens_per_hour") > 0
        await assembly.close()


async def test_a_transaction_takes_the_way_out_of_the_configuration_in_force(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also one of an assignment that stays the same; its device stays, too."""
    taken: list[Network] = []

    def session(self: Network, timeline: Timeline, client: str) -> NoSession:
        taken.append(self)
        return NoSession()

    monkeypatch.setattr(Network, "session", session)
    one = settings.assignments[0]
    with assembled(settings) as assembly:
        before = [assembly.open(one), assembly.open(one)]
        old = assembly.networks
        assembly.configure(settings, assembly.ways_out(replace(settings, user_agent="another")), ())
        after = assembly.open(one)
        assert taken == [old.of("hq"), old.of("hq"), assembly.networks.of("hq")]
        assert taken[0] is not taken[2]
        assert {id(tx.device) for tx in (*before, after)} == {id(assembly.device(one))}
        await old.close()
        await assembly.close()


def test_an_assignment_that_changed_meets_with_its_own_mailbox(settings: Settings) -> None:
    """What was found for one of the same name holds for that one alone."""
    one = settings.assignments[0]
    other = replace(one, target=replace(one.target, mailbox="other@corp.test"))
    with assembled(settings) as assembly:
        first, second, third = assembly.open(one), assembly.open(other), assembly.open(one)
        assert first._sightings is third._sightings
        assert first._sightings is not second._sightings


def test_another_configuration_or_secret_is_worth_another_try(settings: Settings, tmp_path: Path) -> None:
    """A credential's stamp changes with everything that uses it; it is not the secret."""
    marks = SecretMarks(settings.credentials, "salt")
    before = CredentialStamps(settings, marks)("phone")
    changed = {**settings.fingerprints, "imap4/hq": "other"}
    elsewhere = {**settings.fingerprints, "imap4/lab": "other"}
    assert CredentialStamps(replace(settings, fingerprints=changed), marks)("phone") != before
    assert CredentialStamps(replace(settings, fingerprints=elsewhere), marks)("phone") == before
    (tmp_path / "password").write_text("another one")
    after = CredentialStamps(settings, marks)("phone")
    assert (after.configuration, after.secret == before.secret) == (before.configuration, False)


async def test_everybody_goes_by_the_clocks_that_were_given(settings: Settings) -> None:
    """One pair of clocks reaches every part that reads one, and the networks of all ways out."""
    clock, wall = Watch(5.0), Watch(NOON)
    with assembled(settings, clock=clock, wall=wall) as assembly:
        tx = assembly.open(settings.assignments[0])
        networks = [assembly.networks.tokens, *(assembly.networks.of(name) for name in ("hq", "far"))]
        parts = (assembly.judging, assembly.identities, assembly.health, assembly.attempts)
        assert {part._clock for part in (*parts, assembly.pacer)} == {clock}
        assert {part._wall for part in (*parts, assembly.governor)} == {wall}
        assert {network.clock for network in networks} | {tx.timeline.clock} == {clock}
        await tx.close()
        await assembly.close()


async def test_an_attempt_starts_when_the_given_wall_clock_says(settings: Settings) -> None:
    """The time of an outcome is that of the wall clock given, in UTC."""
    with assembled(settings, clock=Watch(5.0), wall=Watch(NOON)) as assembly:
        outcome, _ = await assembly.attempts.by_hand(settings.assignments[2])
        assert outcome.started_at == datetime.fromtimestamp(NOON, UTC)
        assert outcome.duration == 0.0
        await assembly.close()
