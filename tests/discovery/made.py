"""A server of lists on 127.0.0.1, and what it is asked."""

from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler
from typing import Any

from prober.net.route import Route
from prober.settings.settings import HttpList
from tests.servers.web import Web

PATIENCE = 20.0


class ListServer(Web):
    """Answers every path by what stands in `answers` (status, fields, body), a list by default; may be made to hang."""

    def __init__(self, body: bytes = b"[]", port: int = 0) -> None:
        self.answers: dict[str, tuple[int, Mapping[str, str], bytes]] = {}
        self.body = body
        self.asked: list[tuple[str, Mapping[str, str]]] = []
        server = self

        class Desk(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.asked.append((self.path, dict(self.headers)))
                status, fields, body = server.answers.get(self.path, (200, {}, server.body))
                server.open.wait(PATIENCE)
                try:
                    self.send_response(status)
                    for name, value in {"Content-Length": str(len(body)), **fields}.items():
                        self.send_header(name, value)
                    self.end_headers()
                    self.wfile.write(body)
                except OSError:
                    self.close_connection = True

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        super().__init__(Desk, port)

    def url(self, path: str = "/targets") -> str:
        return f"http://127.0.0.1:{self.port}{path}"


def listed(url: str, **more: Any) -> HttpList:
    return HttpList("http[0]", url, **{"interval": 60.0, "timeout": PATIENCE, "route": Route(), **more})
