"""The bad ports are bad in the way they say."""

import socket

import pytest

from tests.servers.ports import HOST


def test_a_silent_port_accepts_and_never_answers(silent_port: int) -> None:
    """It even takes what it is sent."""
    with socket.create_connection((HOST, silent_port), timeout=0.2) as connection:
        connection.sendall(b"hello")
        with pytest.raises(TimeoutError):
            connection.recv(1)


def test_a_refusing_port_refuses(refusing_port: int) -> None:
    """At once, and again."""
    for _ in range(2):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((HOST, refusing_port), timeout=5)


def test_a_black_hole_never_completes_a_connection(black_hole_port: int) -> None:
    """Neither the first nor any later one."""
    for _ in range(3):
        with pytest.raises(TimeoutError):
            socket.create_connection((HOST, black_hole_port), timeout=0.1)
