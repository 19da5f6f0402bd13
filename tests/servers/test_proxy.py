"""The proxy opens tunnels and refuses, as seen by an HTTP client with proxy support."""

import http.client
import socket
import threading

import pytest
import requests

from tests.servers.oauth_server import OAuthServer
from tests.servers.pki import Pki
from tests.servers.ports import HOST
from tests.servers.proxy import ConnectProxy


def ask(oauth: OAuthServer, pki: Pki, proxy: str) -> int:
    """Ask the authorisation server, by way of the proxy, for nothing it has."""
    answer = requests.get(f"{oauth.url}/none", proxies={"https": proxy}, verify=str(pki.ca_file), timeout=10)
    return answer.status_code


def test_a_tunnel_carries_tls_end_to_end(oauth: OAuthServer, pki: Pki, connect_proxy: ConnectProxy) -> None:
    """The proxy sees where to, and nothing else."""
    assert ask(oauth, pki, connect_proxy.url) == 404
    assert [asked.authority for asked in connect_proxy.asked] == [f"localhost:{oauth.port}"]


@pytest.mark.parametrize("status", [403, 407, 502, 504])
def test_it_refuses_as_told(oauth: OAuthServer, pki: Pki, connect_proxy: ConnectProxy, status: int) -> None:
    """With that status to CONNECT itself."""
    connect_proxy.status = status
    with pytest.raises(requests.exceptions.ProxyError, match=f"Tunnel connection failed: {status}"):
        ask(oauth, pki, connect_proxy.url)


def test_it_asks_for_credentials(oauth: OAuthServer, pki: Pki, connect_proxy: ConnectProxy) -> None:
    """And takes the right ones."""
    connect_proxy.credentials = "user:password"
    with pytest.raises(requests.exceptions.ProxyError, match="Tunnel connection failed: 407"):
        ask(oauth, pki, connect_proxy.url)
    assert ask(oauth, pki, connect_proxy.url.replace("//", "//user:password@")) == 404


def test_a_destination_that_refuses_is_a_bad_gateway(connect_proxy: ConnectProxy, refusing_port: int) -> None:
    """As any proxy says it."""
    connection = http.client.HTTPConnection(HOST, connect_proxy.port, timeout=10)
    connection.set_tunnel("localhost", refusing_port)
    with pytest.raises(OSError, match="502 Bad Gateway"):
        connection.connect()
    connection.close()


def test_it_knows_no_other_method(connect_proxy: ConnectProxy) -> None:
    """A plain GET is not what it is for."""
    answer = requests.get(connect_proxy.url, timeout=10)
    assert answer.status_code == 405


def test_its_end_is_the_end_of_its_tunnels_and_threads(silent_port: int) -> None:
    """Nothing of it is left behind, though both ends of a tunnel are silent."""
    before = threading.active_count()
    with ConnectProxy() as proxy, socket.create_connection((HOST, proxy.port), timeout=10) as client:
        client.sendall(f"CONNECT localhost:{silent_port} HTTP/1.1\r\n\r\n".encode())
        assert client.recv(100).startswith(b"HTTP/1.1 200")
        proxy.__exit__()
        assert client.recv(1) == b""
    assert threading.active_count() == before
