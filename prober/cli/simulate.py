"""`prober simulate`: the simulated tenant alone."""

import sys
from pathlib import Path

import click

from prober.cli import Mistake

TEXT = """\
The tenant {domain} is up, on loopback only.

  state          {state} (addresses, accounts with their passwords, applications with their secrets)
  configuration  {configuration} (ready for prober run --config.file)
  authority      {ca_file}
  resolver       {resolver}
  control        {control}
Stop with Ctrl-C."""


@click.command("simulate")
@click.option("--config.file", "config", metavar="F", type=click.Path(path_type=Path), help="Sites, mailboxes, faults.")
@click.option("--state-file", "state", metavar="F", type=click.Path(path_type=Path), help="Where to write addresses.")
def simulate(config: Path | None, state: Path | None) -> None:
    """Serve a simulated tenant until a signal: every protocol, its own authority and resolver, and a control interface.

    Beside the state file lie the authority's certificate and a ready configuration of the prober.
    """
    from prober import app
    from prober.observe import log
    from prober.rehearsal import simulation
    from prober.simulator.document import DocumentError
    from prober.simulator.ground.addresses import NoPortError

    log.configure("warning", "logfmt")
    try:
        sys.exit(app.main(simulation.simulate(config, state, lambda one: click.echo(TEXT.format(**one)))))
    except DocumentError as exc:
        raise Mistake("\n".join(exc.problems)) from None
    except NoPortError as exc:
        raise Mistake(f"prober: {exc}") from None
    except OSError as exc:
        raise Mistake(f"prober: {exc.filename}: {exc.strerror}") from None


COMMAND = simulate
