"""The measured side of `transactions`: whole transactions of one configuration, twice; the second time by parts."""

import asyncio
import importlib
import json
import logging
import sys
from collections.abc import Mapping
from pathlib import Path

from benchmarks.attribution import Stopwatch
from benchmarks.worker import Product, counted, work
from prober.clients import catalogue
from prober.settings.load import load


async def run(configuration: Path, client: str, wanted: int) -> Mapping[str, float]:
    """Make `wanted` transactions as they are, and as many measured; return seconds of CPU and how many succeeded.

    `cpu` and `kernel` are those of the first, `TLS` and `parsing` those of the second. `good` counts both. Keys are in
    hand and names known before the first that counts.
    """
    clients = catalogue()
    product = Product(client, clients, load([configuration], clients))
    plain = await work(product.probe, wanted, product.at_once, product.wrong)
    watch = Stopwatch()
    with watch.running():
        by_parts = await counted(product.probe, wanted, product.at_once, product.wrong)
    return {**plain, **watch.seconds, "good": plain["good"] + by_parts["good"]}


def main(configuration: str, client: str, wanted: str) -> None:
    """Work on uvloop, and print the result as JSON."""
    logging.getLogger("prober").setLevel(logging.WARNING)
    with asyncio.Runner(loop_factory=importlib.import_module("uvloop").new_event_loop) as runner:
        print(json.dumps(runner.run(run(Path(configuration), client, int(wanted)))))


if __name__ == "__main__":
    main(*sys.argv[1:])
