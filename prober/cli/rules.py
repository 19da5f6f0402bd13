"""`prober rules`: Prometheus rules that fit an objective and the intervals of the probes, with their promtool tests."""

from dataclasses import replace
from pathlib import Path

import click

from prober.cli import Mistake, load_settings


def _percent(_: click.Context, __: click.Parameter, value: float) -> float:
    if not 50.0 <= value < 100.0:
        raise click.BadParameter("must be a percentage of at least 50 and below 100, such as 99.9")
    return value


def _interval(_: click.Context, __: click.Parameter, value: str | None) -> float | None:
    from prober.settings.durations import parse

    try:
        return None if value is None else parse(value)
    except ValueError as exc:
        raise click.BadParameter(str(exc)) from None


@click.command("rules")
@click.option("--config.file", "config", metavar="F", multiple=True, type=click.Path(path_type=Path))
@click.option("--slo", metavar="P", type=float, default=99.9, show_default=True, callback=_percent, help="In percent.")
@click.option("--interval", metavar="D", callback=_interval, help="Of the probes; 60s without a configuration.")
@click.option("--runbook-url", metavar="U", default="docs/alerting.md", show_default=True, help="Without an anchor.")
@click.option("--output", metavar="DIR", type=click.Path(path_type=Path, file_okay=False), help="Else standard output.")
def rules(config: tuple[Path, ...], slo: float, interval: float | None, runbook_url: str, output: Path | None) -> None:
    """Write recording rules, alert rules and their promtool tests.

    They fit the intervals of a configuration, or the one given, which has precedence. DIR gets rules/, optional/ and
    tests/; without DIR the rules alone go to standard output, as one file.
    """
    from prober.alerting.document import files
    from prober.alerting.document import rules as document
    from prober.alerting.objective import Objective, Slice, clients, sliced
    from prober.alerting.shipped import bundles

    objective = Objective(slo, runbook=runbook_url)
    if config:
        assignments = load_settings(config, check_files=False).assignments
        objective = replace(objective, slices=sliced(assignments), clients=clients(assignments))
    if interval is not None:
        objective = replace(objective, slices=(Slice(interval),))
    made = bundles(objective)
    if output is None:
        click.echo(document([one for one in made if not one.optional], objective), nl=False)
        return
    try:
        _write(output, files(made, objective))
    except OSError as exc:
        raise Mistake(f"prober: {exc.filename}: {exc.strerror}") from None


def _write(output: Path, texts: dict[str, str]) -> None:
    for name, text in texts.items():
        path = output / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


COMMAND = rules
