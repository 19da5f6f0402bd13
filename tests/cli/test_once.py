"""`once`: who is selected, and what the exit code says."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from prober.cli import Mistake
from prober.cli.once import exit_code, select
from prober.vocabulary import Verdict
from tests.cli.program import configuration
from tests.schedule.made import assignment

HQ_IMAP, HQ_EAS, LAB_IMAP = assignment("hq"), assignment("hq", "activesync"), assignment("lab")
PLAN = (HQ_IMAP, HQ_EAS, LAB_IMAP)


@pytest.mark.parametrize(
    ("targets", "clients", "expected"),
    [
        ([], [], PLAN),
        (["hq"], [], (HQ_IMAP, HQ_EAS)),
        ([], ["imap4"], (HQ_IMAP, LAB_IMAP)),
        (["lab", "hq"], ["imap4"], (HQ_IMAP, LAB_IMAP)),
        (["hq"], ["activesync", "imap4"], (HQ_IMAP, HQ_EAS)),
    ],
)
def test_names_narrow_the_selection_and_keep_its_order(
    targets: list[str], clients: list[str], expected: tuple[object, ...]
) -> None:
    """No name means all; several names of one sort are alternatives; the plan's order stays."""
    assert select(PLAN, targets, clients) == expected


@pytest.mark.parametrize(
    ("targets", "clients", "line"),
    [
        (["lap"], [], "prober: no target 'lap' is configured; did you mean 'lab'?"),
        (["zebra"], [], "prober: no target 'zebra' is configured"),
        ([], ["imap"], "prober: no client 'imap' is configured; did you mean 'imap4'?"),
        (["lab"], ["activesync"], "prober: no configured target has these clients: nothing to do"),
    ],
)
def test_a_wrong_name_is_one_line(targets: list[str], clients: list[str], line: str) -> None:
    """It names what was written, and what is near."""
    with pytest.raises(Mistake) as caught:
        select(PLAN, targets, clients)
    assert caught.value.message == line
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("verdicts", "code"),
    [
        ([], 0),
        ([Verdict.OK, Verdict.SLOW], 0),
        ([Verdict.OK, Verdict.THROTTLED], 3),
        ([Verdict.EXCLUDED], 3),
        ([Verdict.INCONCLUSIVE], 3),
        ([Verdict.RETIRED, Verdict.SLOW], 3),
        ([Verdict.EXCLUDED, Verdict.FAILED, Verdict.OK], 1),
    ],
)
def test_the_exit_code_is_the_contracts(verdicts: list[Verdict], code: int) -> None:
    """One if any failed; else three if any does not count; else nought."""
    assert exit_code(verdicts) == code


@pytest.mark.parametrize("style", ["text", "json", "nagios"])
def test_who_does_not_read_on_is_told_nothing(tmp_path: Path, style: str) -> None:
    """As after `| head -1`: it ends, with a failure and without a word."""
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "prober", "once", "--format", style]
    command += [f"--config.file={configuration(tmp_path, 'http://127.0.0.1:1/')}"]
    ended = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    os.close(writing)
    assert (ended.returncode, ended.stderr) == (1, "")
