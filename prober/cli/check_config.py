"""`prober check-config`: reads configurations as `run` would, and says what is wrong with them."""

from pathlib import Path

import click

from prober.cli import Mistake, load_settings


@click.command("check-config")
@click.argument("files", metavar="F...", nargs=-1, required=True, type=click.Path(path_type=Path))
def check_config(files: tuple[Path, ...]) -> None:
    """Check configuration files or directories: exit 0, or 2 with one line per mistake.

    Each F is a whole configuration of its own.
    """
    mistakes = [line for line in map(_check, files) if line]
    if mistakes:
        raise Mistake("\n".join(mistakes))


def _check(file: Path) -> str:
    """Return the lines of what is wrong with `file`; say so on standard output when nothing is."""
    try:
        settings = load_settings([file])
    except Mistake as mistake:
        return mistake.message
    click.echo(f"{file}: ok, {len(settings.assignments)} assignments")
    return ""


COMMAND = check_config
