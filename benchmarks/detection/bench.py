"""`make bench ONLY=detection`: the targets, in a short form of some minutes, or all replicates with FULL=1.

TARGETS=T3,T6 runs only these, REPLICATES=40 so many of each incident, KNOWN=1 tells the detector the healthy rate.
"""

import os
import sys
import time
from collections.abc import Mapping
from multiprocessing import get_context

from benchmarks.detection.scenarios import HOUR, ONSET
from benchmarks.detection.table import show
from benchmarks.detection.targets import TARGETS, Effort, Runs
from benchmarks.detection.work import Setting

SHORT = Effort(incidents=300, nulls=48, series=1000, hours=12, setting=Setting(ONSET - HOUR))
FULL = Effort(incidents=500, nulls=160, series=4000, hours=24, setting=Setting(0))


def main() -> bool:
    """Run the bench; return whether every target holds."""
    wanted = [one for one in os.environ.get("TARGETS", "").split(",") if one] or list(TARGETS)
    unknown = [one for one in wanted if one not in TARGETS]
    if unknown:
        print(f"detection: no target {unknown[0]!r}; there are {', '.join(TARGETS)}", file=sys.stderr)
        return False
    effort, began = effort_of(os.environ), time.monotonic()
    with get_context("fork").Pool() as pool:
        runs = Runs(pool, effort)
        rows = [row for name in wanted for row in TARGETS[name](runs)]
    size = (
        f"{effort.incidents} replicates of each incident, {effort.nulls} of each null, {effort.series} of each series"
    )
    return show(rows, f"{size}; {time.monotonic() - began:.0f} s")


def effort_of(environment: Mapping[str, str]) -> Effort:
    """Return how much to run, by FULL, REPLICATES and KNOWN."""
    effort = FULL if environment.get("FULL") else SHORT
    setting = Setting(effort.setting.start, known=bool(environment.get("KNOWN")))
    count = int(environment.get("REPLICATES") or effort.incidents)
    part = count / effort.incidents
    return Effort(
        incidents=max(count, 4),
        nulls=max(round(effort.nulls * part), 2),
        series=max(round(effort.series * part), 100),
        hours=effort.hours,
        setting=setting,
    )
