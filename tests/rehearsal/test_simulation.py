"""The tenant alone: what it tells, and to whom."""

import json
import stat
from pathlib import Path

from prober.rehearsal.simulation import blueprint, described, write_state
from prober.simulator.layout import default_layout, found
from prober.simulator.simulator import Simulator


async def test_the_state_names_everything_a_client_needs(tmp_path: Path) -> None:
    """Hosts with addresses, the authority, accounts, applications, a configuration; readable for its owner alone."""
    simulator = Simulator(found(default_layout()), tmp_path)
    await simulator.start()
    try:
        configuration = simulator.write_configuration(tmp_path)
        write_state(tmp_path / "state.json", simulator, configuration)
        told = described(simulator, configuration)
    finally:
        await simulator.stop()
    assert json.loads((tmp_path / "state.json").read_text()) == told
    assert stat.S_IMODE((tmp_path / "state.json").stat().st_mode) == 0o600
    assert len(told["mailboxes"]) == 6
    assert all(one["password"] for one in told["mailboxes"])
    assert {one["client"] for one in told["applications"]} >= {"imap4", "activesync"}
    assert all(host["address"].startswith("127.") and host["port"] for host in told["hosts"])


def test_without_a_file_it_is_the_default() -> None:
    """The tenant that is there without one."""
    assert blueprint(None).layout == default_layout()
