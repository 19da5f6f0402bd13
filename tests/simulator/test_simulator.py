"""The tenant as a whole: it listens, steers, shuts and reopens, delivers everywhere, and leaves nothing behind."""

import asyncio
import json
import socket
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from prober.simulator.faults.fault import Fault
from prober.simulator.faults.read import Incident
from prober.simulator.ground.addresses import NOBODY, TRAPS
from prober.simulator.layout import default_layout, found
from prober.simulator.simulator import Simulator


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[Simulator]:
    simulator = Simulator(found(default_layout()), folder)
    await simulator.start()
    try:
        yield simulator
    finally:
        await simulator.stop()


def refused(host: object) -> bool:
    """Whether nobody listens at a host."""
    with socket.socket() as plain:
        plain.settimeout(1)
        return plain.connect_ex((host.address, host.port)) == 111  # type: ignore[attr-defined]  # a Host


async def test_it_leaves_nothing_behind(tmp_path: Path) -> None:
    """No listener, no task but the test's own."""
    async with running(tmp_path) as simulator:
        host = simulator.host("activesync.ams1.contoso.example")
        assert not refused(host)
    assert refused(host)
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_its_configuration_keeps_secrets_to_its_owner(tmp_path: Path) -> None:
    """And holds none itself."""
    async with running(tmp_path) as simulator:
        file = simulator.write_configuration(tmp_path)
        secrets = [one.read_text() for one in (tmp_path / "secrets").iterdir()]
        assert all(stat.S_IMODE(one.stat().st_mode) == 0o600 for one in (tmp_path / "secrets").iterdir())
        assert secrets
        assert not any(secret in file.read_text() for secret in secrets)


@pytest.mark.parametrize(
    ("kind", "address", "answer"),
    [
        ("connect_refuse", NOBODY, "address"),
        *((kind, address, "address") for kind, address in TRAPS.items()),
        ("dns_nxdomain", "", "nxdomain"),
        ("dns_timeout", "", "silence"),
        ("dns_servfail", "", "servfail"),
        ("dns_empty", "", "empty"),
    ],
)
async def test_a_look_up_sends_those_who_are_struck_elsewhere(
    tmp_path: Path, kind: str, address: str, answer: str
) -> None:
    """And those who are not to where they want to go."""
    async with running(tmp_path) as simulator:
        simulator.weather.begin(Incident("I", faults=(Fault(kind, frozenset({"imap4"})),)))
        struck = simulator._look_up("imap4.ams1.contoso.example")
        spared = simulator._look_up("activesync.ams1.contoso.example")
        assert (struck.address, struck.kind) == (address, answer)
        assert spared.address == simulator.host("activesync.ams1.contoso.example").address
        assert simulator._look_up("nobody.contoso.example").kind == "nxdomain"
        assert simulator._look_up("www.elsewhere.test").kind == "refused"


async def test_a_host_that_refuses_everybody_does_not_listen(tmp_path: Path) -> None:
    """Until the incident is over."""
    async with running(tmp_path) as simulator:
        host = simulator.host("imap4.ams1.contoso.example")
        name = simulator.weather.begin(Incident("I", faults=(Fault("connect_refuse", frozenset({"imap4"})),)))
        simulator._tend()
        assert refused(host)
        simulator.weather.end(name, now=True)
        simulator._tend()
        await asyncio.gather(*simulator._reopening)
        assert not refused(host)


async def test_a_delivery_by_the_control_wakes_the_mailbox(tmp_path: Path) -> None:
    """And nobody else's page can deliver."""
    async with running(tmp_path) as simulator:
        mailbox = simulator.tenant.mailboxes["probe1@contoso.example"]
        with mailbox.watching() as news:
            async with httpx.AsyncClient(base_url=simulator.control_url, trust_env=False) as client:
                body = json.dumps({"mailbox": mailbox.address, "subject": "Hello"})
                answer = await client.post("deliver", content=body)
                assert answer.status_code == 201
                refusal = await client.post("deliver", content=body, headers={"Origin": "http://elsewhere.test"})
                assert refusal.status_code == 403
            assert news.is_set()
        assert mailbox.inbox.visible()[-1].subject == "Hello"
