"""`prober verify`: whether every credential reaches its own mailboxes, and none that must be denied to it."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from prober.cli import Mistake, load_settings

if TYPE_CHECKING:
    from prober.enrolment.permissions import Check


@click.command("verify")
@click.option("--config.file", "config", metavar="F", required=True, multiple=True, type=click.Path(path_type=Path))
@click.option("--must-deny", "denied", metavar="ADDRESS", multiple=True, help="A mailbox nobody may reach; repeatable.")
@click.option("--format", "style", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--storage.path", "storage", metavar="P", help="Directory for what survives a restart.")
def verify(config: tuple[Path, ...], denied: tuple[str, ...], style: str, storage: str | None) -> None:
    """Check permissions: every credential reaches its own mailboxes, and none of the addresses that must be denied.

    Passwords are tried at no mailbox but their own. Exit 0 when all is as wanted; 1 when something was reached that
    must be denied, or denied that must be reached; 2 for a mistake; 3 when something stayed unclear.
    """
    for address in denied:
        if address.count("@") != 1 or not address.strip("@ ") or " " in address:
            raise Mistake(f"prober: --must-deny wants a mail address, not {address!r}")
    settings = load_settings(config, storage_path=storage)

    import asyncio

    from prober.app import store_beside_others
    from prober.clients import catalogue
    from prober.enrolment.permissions import exit_code
    from prober.enrolment.verification import verify as run
    from prober.net.network import NetworkSetupError
    from prober.observe import log

    log.configure("warning", "logfmt")

    def show(check: "Check") -> None:
        click.echo(_as_json(check) if style == "json" else _as_text(check))

    store = store_beside_others(settings.storage_path)
    try:
        checks = asyncio.run(run(settings, catalogue(), store, denied, show))
    except NetworkSetupError as exc:
        raise Mistake(f"prober: {exc}") from None
    finally:
        store.close()
    if not checks:
        raise Mistake("prober: no client goes to a mailbox: there is nothing to verify")
    sys.exit(exit_code(checks))


def _as_text(check: "Check") -> str:
    mark = "ok " if check.holds else "???" if check.found == "unclear" else "NOT"
    said = f" ({check.said})" if check.said else ""
    return f"{mark} {check.credential} by {check.client} at {check.mailbox}: {check.found}, wanted {check.wanted}{said}"


def _as_json(check: "Check") -> str:
    return json.dumps(
        {
            "credential": check.credential,
            "client": check.client,
            "mailbox": check.mailbox,
            "wanted": check.wanted,
            "found": check.found,
            "holds": check.holds,
            "said": check.said,
        }
    )


COMMAND = verify
