"""The command line: a file per command, ending in `COMMAND`; the file is the registration.

Rule of this room: a user's mistake is one clear line on standard error and exit code 2, never a traceback. What is
heavy is imported when a command runs, so that help and version come at once.
"""

import os
import pkgutil
import platform
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from prober import __version__

if TYPE_CHECKING:
    from prober.settings.settings import Settings


class Commands(click.Group):
    """The commands found in this package: `check_config.py` is `check-config`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, in alphabetical order."""
        return sorted(found.name.replace("_", "-") for found in pkgutil.iter_modules(__path__))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        if cmd_name not in self.list_commands(ctx):
            return None
        command: click.Command = import_module(f"{__name__}.{cmd_name.replace('-', '_')}").COMMAND
        return command


class Mistake(click.ClickException):
    """A user's mistake: its lines go to standard error as they are, and the exit code is 2."""

    exit_code = 2

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the message."""
        click.echo(self.message, file=file, err=file is None)


def load_settings(paths: Sequence[Path], *, storage_path: str | None = None, check_files: bool = True) -> "Settings":
    """Return the configuration in `paths`. Raises `Mistake` with one line per mistake in it.

    `check_files=False` leaves the files that it names unread.
    """
    from prober.clients import catalogue
    from prober.settings.load import load
    from prober.settings.settings import ConfigurationError

    try:
        return load(paths, catalogue(), storage_path=storage_path, check_files=check_files)
    except ConfigurationError as exc:
        raise Mistake("\n".join(str(problem) for problem in exc.problems)) from None


def _version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:  # noqa: FBT001 - click's callback signature
    if wanted and not ctx.resilient_parsing:
        revision = os.environ.get("PROBER_REVISION") or "unknown"
        click.echo(f"prober {__version__} (revision {revision}, Python {platform.python_version()})")
        ctx.exit()


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Show the version.")
def main() -> None:
    """Sign in to Exchange the way each mail client does, and say which client, which step and whose fault it is."""
