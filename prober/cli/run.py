"""`prober run`: probes until a signal."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from prober.cli import Mistake
from prober.listen import DEFAULT_LISTEN

if TYPE_CHECKING:
    from prober.serving.keeper import Keeper
    from prober.settings.inputs import Inputs
    from prober.settings.settings import Settings


@click.command("run")
@click.option("--config.file", "config", metavar="F", required=True, multiple=True, type=click.Path(path_type=Path))
@click.option("--web.listen-address", "listen", metavar="A", multiple=True, default=[DEFAULT_LISTEN], show_default=True)
@click.option("--web.config.file", "web", metavar="F", type=click.Path(path_type=Path), help="TLS, users.")
@click.option("--web.enable-lifecycle", "lifecycle", is_flag=True, help="Let the pages reload and end the prober.")
@click.option("--storage.path", "storage", metavar="P", help="Directory for what survives a restart.")
@click.option("--log.level", "level", type=click.Choice(["debug", "info", "warning", "error"]), default="info")
@click.option("--log.format", "log_format", type=click.Choice(["logfmt", "json"]), default="logfmt")
def run(
    config: tuple[Path, ...],
    listen: tuple[str, ...],
    web: Path | None,
    lifecycle: bool,  # noqa: FBT001 - click's way to give a flag
    storage: str | None,
    level: str,
    log_format: str,
) -> None:
    """Probe until SIGTERM or SIGINT; then drain, log out of sessions and exit 0.

    A second signal exits at once. SIGUSR1 switches between the log level and debug. SIGHUP, and a change of the
    files, have the configuration read again; a bad one leaves everything as it was.
    """
    configuration, settings = _configuration(config, storage)
    keeper = _keeper(web) if web is not None else None

    from prober import app
    from prober.listen import ListenError
    from prober.net.network import NetworkSetupError
    from prober.observe import log
    from prober.storage.store import StoreBusyError

    log.configure(level, log_format)
    try:
        options = app.Options(listen=listen, louder=log.Verbosity(level).toggle, web=keeper, lifecycle=lifecycle)
        sys.exit(app.main(app.run(settings, options, configuration)))
    except (ListenError, NetworkSetupError, StoreBusyError) as exc:
        raise Mistake(f"prober: {exc}") from None


def _configuration(paths: tuple[Path, ...], storage: str | None) -> "tuple[Inputs, Settings]":
    """Return where the configuration comes from, and what it says. Raises `Mistake` with one line per mistake in it."""
    from prober.clients import catalogue
    from prober.settings.inputs import SECTION, Inputs
    from prober.settings.settings import ConfigurationError
    from prober.storage.store import glance

    inputs = Inputs(paths, catalogue(), storage_path=storage)
    try:
        return inputs, inputs.begin(lambda path: glance(path, SECTION))
    except ConfigurationError as exc:
        raise Mistake("\n".join(map(str, exc.problems))) from None


def _keeper(path: Path) -> "Keeper":
    """Return what keeps the web configuration at `path`. Raises `Mistake` with one line per mistake in it."""
    from prober.serving.keeper import Keeper
    from prober.settings.settings import ConfigurationError

    try:
        return Keeper(path)
    except ConfigurationError as exc:
        raise Mistake("\n".join(str(problem) for problem in exc.problems)) from None


COMMAND = run
