"""`prober health`: whether a prober is well, for whoever can only run commands; the health check of the container."""

import sys
from typing import NoReturn

import click

from prober.listen import DEFAULT_LISTEN

DEFAULT_URL = f"http://127.0.0.1{DEFAULT_LISTEN}/-/healthy"
TIMEOUT = 4.0


@click.command("health")
@click.option(
    "--url",
    envvar="PROBER_HEALTH_URL",
    default=DEFAULT_URL,
    show_default=True,
    metavar="U",
    help="What to ask; also from PROBER_HEALTH_URL.",
)
def health(url: str) -> None:
    """Ask a prober on this machine whether it is well: exit 0 when it is, else 1.

    No proxy is gone through, and a certificate is taken as it is: nothing is sent but the question.
    """
    import ssl
    from http.client import HTTPException
    from urllib.error import HTTPError
    from urllib.request import HTTPSHandler, ProxyHandler, build_opener

    anyone = ssl.create_default_context()
    anyone.check_hostname = False
    anyone.verify_mode = ssl.CERT_NONE
    try:
        with build_opener(ProxyHandler({}), HTTPSHandler(context=anyone)).open(url, timeout=TIMEOUT) as answer:
            click.echo(answer.read(200).decode(errors="replace").strip())
    except HTTPError as answer:
        with answer:
            _unwell(url, answer)
    except (OSError, ValueError, HTTPException) as exc:
        _unwell(url, exc)


def _unwell(url: str, why: Exception) -> NoReturn:
    click.echo(f"prober: {url}: {why}", err=True)
    sys.exit(1)


COMMAND = health
