"""`prober demo`: a simulated tenant, a prober that watches it, and incidents to start."""

import sys
from typing import TYPE_CHECKING, Any

import click

from prober.cli import Mistake
from prober.listen import DEFAULT_LISTEN

if TYPE_CHECKING:
    from prober.rehearsal.demo import Opened

TEXT = """\
A simulated tenant is up, and a prober watches it: two mailboxes at each of three sites.

  status page    {pages}
  metrics        {pages}metrics
  status data    {pages}api/v1/status
  tenant         {control} (deliver mail, set faults, read what struck)

Point a Prometheus at it:

  scrape_configs:
    - job_name: client-access-prober
      scrape_interval: 15s
      static_configs: [{{targets: ["{authority}"]}}]

Incidents to start from the status page, or with --incident: {known}
Stop with Ctrl-C."""


class Duration(click.ParamType[float]):
    """A time such as `60s` or `5m`, in seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the seconds. Fails with one line for what is no time."""
        from prober.settings.durations import parse

        try:
            return parse(value)
        except ValueError as exc:
            self.fail(str(exc), param, ctx)


@click.command("demo")
@click.option("--duration", type=Duration(), help="End after this time, such as 60s; without it, at a signal.")
@click.option("--web.listen-address", "listen", metavar="A", multiple=True, default=[DEFAULT_LISTEN], show_default=True)
@click.option("--incident", "wanted", metavar="ID", multiple=True, help="Start this incident once all is well.")
def demo(duration: float | None, listen: tuple[str, ...], wanted: tuple[str, ...]) -> None:
    """Start a simulated tenant and probe it with every client; serve metrics and the status page.

    Everything stays on this machine. Incidents can be started from the status page.
    """
    from prober import app
    from prober.listen import ListenError
    from prober.observe import log
    from prober.rehearsal import demo as rehearsal
    from prober.simulator.ground.addresses import NoPortError

    log.configure("warning", "logfmt")
    options = rehearsal.Options(listen, duration, wanted)
    try:
        sys.exit(app.main(rehearsal.demo(options, _show)))
    except (ListenError, NoPortError, rehearsal.UnknownIncidentError, OSError) as exc:
        raise Mistake(f"prober: {exc}") from None


def _show(opened: "Opened") -> None:
    authority = opened.pages.removeprefix("http://").rstrip("/")
    known = ", ".join(opened.known)
    click.echo(TEXT.format(pages=opened.pages, control=opened.control, authority=authority, known=known))


COMMAND = demo
