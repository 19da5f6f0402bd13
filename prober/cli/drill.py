"""`prober drill`: replays scenarios against a simulated tenant, and says whether the prober saw what it should."""

import sys
from collections.abc import Collection, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

import click

from prober.cli import Mistake

if TYPE_CHECKING:
    from prober.simulator.faults.read import Incident


@click.command("drill")
@click.option("--scenario", "file", metavar="F", required=True, type=click.Path(path_type=Path))
@click.option("--id", "ids", metavar="ID", multiple=True, help="Only this scenario; may be repeated.")
@click.option("--format", "style", type=click.Choice(["text", "json"]), default="text", show_default=True)
def drill(file: Path, ids: tuple[str, ...], style: str) -> None:
    """Replay the scenarios in F against a simulated tenant with the real prober.

    Each is played for at most two minutes, up to sixty times faster than its own time. Exit 0 only if every
    expectation held, 1 if one did not, 2 for a mistake in file or options.
    """
    incidents = select(read(file), ids)

    from prober.observe import log
    from prober.rehearsal import drill as rehearsal
    from prober.rehearsal import report

    log.configure("error", "logfmt")
    results = []
    for result in rehearsal.drill(incidents):
        click.echo(report.STYLES[style](result))
        results.append(result)
    sys.exit(report.exit_code(results, ids))


def read(file: Path) -> Sequence["Incident"]:
    """Return the scenarios in `file`. Raises `Mistake` with one line per mistake in it."""
    from prober.rehearsal.expectation import expectation
    from prober.simulator.document import DocumentError
    from prober.simulator.faults.read import read_scenarios

    try:
        incidents = read_scenarios(file.read_text(encoding="utf-8"), str(file))
    except OSError as exc:
        raise Mistake(f"{file}: {exc.strerror}") from None
    except UnicodeDecodeError:
        raise Mistake(f"{file}: not UTF-8 text") from None
    except DocumentError as exc:
        raise Mistake("\n".join(exc.problems)) from None
    for incident in incidents:
        try:
            expectation(incident.expect, recovery=False)
        except ValueError as exc:
            raise Mistake(f"{file}: {incident.id}: expect: {exc}") from None
    return incidents


def select(incidents: Sequence["Incident"], ids: Collection[str]) -> Sequence["Incident"]:
    """Return the scenarios with one of `ids`, all of them without any. Raises `Mistake` for one there is not."""
    known = [incident.id for incident in incidents]
    for wanted in ids:
        if wanted not in known:
            near = get_close_matches(wanted, known, n=1)
            raise Mistake(f"prober: no scenario {wanted!r}" + (f"; did you mean {near[0]!r}?" if near else ""))
    return [incident for incident in incidents if not ids or incident.id in ids]


COMMAND = drill
