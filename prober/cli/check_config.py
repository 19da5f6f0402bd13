"""`prober check-config`: reads configurations as `run` would, and says what is wrong with them."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from prober.cli import Mistake, load_settings

if TYPE_CHECKING:
    from prober.detect.groups import Source
    from prober.settings.settings import Settings


@click.command("check-config")
@click.option("--plan", is_flag=True, help="Print what it will cost, and how soon it will find a loss.")
@click.argument("files", metavar="F...", nargs=-1, required=True, type=click.Path(path_type=Path))
def check_config(files: tuple[Path, ...], *, plan: bool) -> None:
    """Check configuration files or directories: exit 0, or 2 with one line per mistake.

    Each F is a whole configuration of its own.
    """
    mistakes = [line for line in (_check(file, plan=plan) for file in files) if line]
    if mistakes:
        raise Mistake("\n".join(mistakes))


def _check(file: Path, *, plan: bool) -> str:
    """Return the lines of what is wrong with `file`; say so on standard output when nothing is."""
    try:
        settings = load_settings([file])
    except Mistake as mistake:
        return mistake.message
    click.echo(f"{file}: ok, {len(settings.assignments)} assignments")
    if plan:
        click.echo("\n" + _plan(settings))
    return ""


def _plan(settings: "Settings") -> str:
    from prober.clients import catalogue
    from prober.detection import sources
    from prober.planning.budgets import shares
    from prober.planning.detection import expected
    from prober.planning.report import report
    from prober.planning.requests import cost, tokens
    from prober.schedule.budgets import DEFAULTS

    clients = catalogue()
    watched = sources(settings.assignments, clients, settings.vantage)
    costs = [cost(one) for one in settings.assignments]
    resources = {name: client.scopes.app if client.scopes else "" for name, client in clients.items()}
    asked = tokens(settings.assignments, resources)
    limits = {name: settings.budgets.get(name, one.limit) for name, one in DEFAULTS.items()}
    detector = settings.detector
    looks = detector.second_looks
    times = expected(watched, detector.budget, guaranteed=detector.guaranteed, second_looks=looks)
    budgets = shares(costs, asked, limits)
    return report(costs, asked, budgets, times, _series(settings, watched), second_looks=looks)


def _series(settings: "Settings", watched: "Mapping[str, Source]") -> int:
    """Return how many series will be exported from the start: those of Metrics and detector, really made."""
    from prober.clients import catalogue
    from prober.detect.detector import Detector
    from prober.observe.detection import DetectorMetrics
    from prober.observe.metrics import Metrics

    metrics = Metrics(
        settings.assignments,
        catalogue(),
        vantage=settings.vantage,
        label_names=settings.label_names,
        credentials=settings.credentials,
    )
    DetectorMetrics(metrics).show_all(Detector(watched))
    return sum(len(family.samples) for family in metrics.registry.collect())


COMMAND = check_config
