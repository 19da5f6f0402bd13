"""Writes the Grafana dashboards; run `python -m dashboards.generate` after a change."""

import json
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from dashboards import client, fleet, incidents, prober
from dashboards.board import Board

BOARDS = (fleet.BOARD, client.BOARD, incidents.BOARD, prober.BOARD)


def file(board: Board) -> Path:
    """Return where a dashboard lies."""
    return Path(__file__).with_name(f"{board.name}.json")


def render(board: Board) -> str:
    """Return the text of its file."""
    return json.dumps(board.build(), cls=JSONEncoder, indent=1) + "\n"


if __name__ == "__main__":
    for one in BOARDS:
        file(one).write_text(render(one))
