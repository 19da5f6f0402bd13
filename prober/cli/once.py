"""`prober once`: each selected assignment once, for people and for scripts."""

import sys
from collections.abc import Collection, Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path

import click

from prober.cli import Mistake, load_settings
from prober.model import Assignment
from prober.vocabulary import Verdict


@click.command("once")
@click.option("--config.file", "config", metavar="F", required=True, multiple=True, type=click.Path(path_type=Path))
@click.option("--target", "targets", metavar="T", multiple=True, help="Only this target; may be repeated.")
@click.option("--client", "clients", metavar="C", multiple=True, help="Only this client; may be repeated.")
@click.option("--format", "style", type=click.Choice(["text", "json", "nagios"]), default="text", show_default=True)
@click.option("--storage.path", "storage", metavar="P", help="Directory for what survives a restart.")
def once(
    config: tuple[Path, ...], targets: tuple[str, ...], clients: tuple[str, ...], style: str, storage: str | None
) -> None:
    """Run each selected assignment once.

    Exit 2 for a mistake in configuration or command line; else 1 if any failed; else 3 if any was throttled,
    excluded, inconclusive or retired; else 0. With --format nagios: plug-in line and codes.
    """
    settings = load_settings(config, storage_path=storage)
    selected = select(settings.assignments, targets, clients)

    from prober import app
    from prober.net.network import NetworkSetupError
    from prober.observe import log, report

    log.configure("warning", "logfmt")
    finished: list[report.Finished] = []

    def show(one: report.Finished) -> None:
        finished.append(one)
        if style != "nagios":
            click.echo(report.STYLES[style](*one))

    try:
        app.main(app.once(settings, selected, show))
    except NetworkSetupError as exc:
        raise Mistake(f"prober: {exc}") from None
    if style == "nagios":
        line, code = report.nagios(finished)
        click.echo(line)
        sys.exit(code)
    sys.exit(exit_code(judgement.verdict for _, _, judgement in finished))


def select(
    assignments: Sequence[Assignment], targets: Collection[str], clients: Collection[str]
) -> tuple[Assignment, ...]:
    """Return the assignments of the named targets and clients, in plan order; no name means every one.

    Raises `Mistake` for a name that is not configured, and when nothing is left.
    """
    _known("target", targets, {one.target.name for one in assignments})
    _known("client", clients, {one.client for one in assignments})
    chosen = tuple(
        one
        for one in assignments
        if (not targets or one.target.name in targets) and (not clients or one.client in clients)
    )
    if not chosen:
        raise Mistake("prober: no configured target has these clients: nothing to do")
    return chosen


def _known(what: str, wanted: Iterable[str], configured: Collection[str]) -> None:
    for name in wanted:
        if name not in configured:
            near = get_close_matches(name, configured, n=1)
            raise Mistake(
                f"prober: no {what} {name!r} is configured" + (f"; did you mean {near[0]!r}?" if near else "")
            )


def exit_code(verdicts: Iterable[Verdict]) -> int:
    """Return 1 if any failed; else 3 if any does not count; else 0."""
    seen = set(verdicts)
    if Verdict.FAILED in seen:
        return 1
    return 0 if all(verdict.counted for verdict in seen) else 3


COMMAND = once
