"""`prober run`: probes until a signal."""

import sys
from pathlib import Path

import click

from prober.cli import Mistake, load_settings
from prober.listen import DEFAULT_LISTEN


@click.command("run")
@click.option("--config.file", "config", metavar="F", required=True, multiple=True, type=click.Path(path_type=Path))
@click.option("--web.listen-address", "listen", metavar="A", multiple=True, default=[DEFAULT_LISTEN], show_default=True)
@click.option("--storage.path", "storage", metavar="P", help="Directory for what survives a restart.")
@click.option("--log.level", "level", type=click.Choice(["debug", "info", "warning", "error"]), default="info")
@click.option("--log.format", "log_format", type=click.Choice(["logfmt", "json"]), default="logfmt")
def run(config: tuple[Path, ...], listen: tuple[str, ...], storage: str | None, level: str, log_format: str) -> None:
    """Probe until SIGTERM or SIGINT; then drain, log out of sessions and exit 0.

    A second signal exits at once. SIGUSR1 switches between the log level and debug.
    """
    settings = load_settings(config, storage_path=storage)

    from prober import app
    from prober.listen import ListenError
    from prober.net.network import NetworkSetupError
    from prober.observe import log
    from prober.storage.store import StoreBusyError

    log.configure(level, log_format)
    try:
        sys.exit(app.main(app.run(settings, app.Options(listen=listen, louder=log.Verbosity(level).toggle))))
    except (ListenError, NetworkSetupError, StoreBusyError) as exc:
        raise Mistake(f"prober: {exc}") from None


COMMAND = run
