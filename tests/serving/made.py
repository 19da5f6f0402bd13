"""What the tests of this room set up again and again: hashes that cost little, requests without a network."""

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import bcrypt
from starlette.types import Message

from prober.serving.toolkit import WebSettings, load

PASSWORD = "correct-canary-horse"
HASH = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()


def basic(name: str, password: str) -> str:
    """An `Authorization` field."""
    return f"Basic {base64.b64encode(f'{name}:{password}'.encode()).decode()}"


def written(folder: Path, text: str) -> Path:
    """A web configuration."""
    file = folder / "web.yml"
    file.write_text(text)
    return file


def configured(folder: Path, text: str) -> WebSettings:
    """What a web configuration says."""
    return load(written(folder, text))


def scope(
    path: str = "/",
    *,
    method: str = "GET",
    peer: str = "127.0.0.1",
    headers: Sequence[tuple[str, str]] = (),
    **more: Any,
) -> dict[str, Any]:
    """A request as the server hands it over."""
    fields = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers]
    return {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": b"",
        "headers": fields if headers else [(b"host", b"localhost:10143")],
        "client": (peer, 40000),
        **more,
    }


class Answer:
    """Keeps what was sent."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.text = ""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            assert self.status == 0
            self.status = message["status"]
            self.headers = {name.decode(): value.decode() for name, value in message["headers"]}
            assert len(self.headers) == len(message["headers"])
        else:
            self.text += message.get("body", b"").decode()
