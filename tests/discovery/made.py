"""A server of lists on 127.0.0.1, and what it is asked."""

import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from prober.net.route import Route
from prober.settings.settings import HttpList

PATIENCE = 20.0


class ListServer:
    """Answers every path by what stands in `answers` (status, fields, body), a list by default; may be made to hang."""

    def __init__(self, body: bytes = b"[]", port: int = 0) -> None:
        self.answers: dict[str, tuple[int, Mapping[str, str], bytes]] = {}
        self.body = body
        self.asked: list[tuple[str, Mapping[str, str]]] = []
        self.open = threading.Event()
        self.open.set()
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

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Desk)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def port(self) -> int:
        return int(self._server.server_port)

    def url(self, path: str = "/targets") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.open.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def listed(url: str, **more: Any) -> HttpList:
    return HttpList("http[0]", url, **{"interval": 60.0, "timeout": PATIENCE, "route": Route(), **more})
