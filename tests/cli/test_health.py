"""`health` against a server of its own: what it takes for well, and that nothing misleads it."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from click.testing import CliRunner, Result

from prober.cli.health import health
from tests.servers.pki import Pki


@contextmanager
def answering(status: int, pki: Pki | None = None) -> Iterator[str]:
    """Answer every request with `status`, over TLS where there is an authority; give the address."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(f"{self.path} {status}\n".encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        if pki is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(pki.right.certificate_file, pki.right.key_file)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"{'http' if pki is None else 'https'}://127.0.0.1:{server.server_port}/-/healthy"
        finally:
            server.shutdown()
            thread.join()


def asked(**environment: str) -> Result:
    return CliRunner().invoke(health, env=environment)


def test_well_is_0_and_anything_else_1() -> None:
    with answering(200) as url:
        assert (asked(PROBER_HEALTH_URL=url).output, asked(PROBER_HEALTH_URL=url).exit_code) == ("/-/healthy 200\n", 0)
    with answering(503) as url:
        result = asked(PROBER_HEALTH_URL=url)
    assert (result.exit_code, "503" in result.output) == (1, True)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/-/healthy", "nonsense", "http://[::1"])
def test_nobody_there_is_one_line_and_1(url: str) -> None:
    result = asked(PROBER_HEALTH_URL=url)
    assert (result.exit_code, result.output.count("\n")) == (1, 1)
    assert result.output.startswith(f"prober: {url}: ")


def test_a_proxy_of_the_environment_is_not_asked() -> None:
    with answering(200) as url:
        assert (
            asked(PROBER_HEALTH_URL=url, http_proxy="http://127.0.0.1:1", HTTP_PROXY="http://127.0.0.1:1").exit_code
            == 0
        )


def test_a_certificate_is_taken_as_it_is(pki: Pki) -> None:
    """It is made out to the name that others use."""
    with answering(200, pki) as url:
        assert asked(PROBER_HEALTH_URL=url).exit_code == 0
