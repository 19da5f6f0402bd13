"""Free ports of 127.0.0.1. Another process may take one before it is used: whoever starts a server retries."""

import socket

HOST = "127.0.0.1"


def free_port() -> int:
    """Return a port nobody listens on at this moment."""
    return free_ports(1)[0]


def free_ports(count: int) -> list[int]:
    """Return several different free ports."""
    holders = [socket.create_server((HOST, 0)) for _ in range(count)]
    ports = [int(holder.getsockname()[1]) for holder in holders]
    for holder in holders:
        holder.close()
    return ports


def accepts(port: int) -> bool:
    """Return whether somebody accepts connections on `port`."""
    try:
        socket.create_connection((HOST, port), timeout=1).close()
    except OSError:
        return False
    return True


def greets(port: int, greeting: bytes) -> bool:
    """Return whether the server on `port` speaks first and begins with `greeting`."""
    try:
        with socket.create_connection((HOST, port), timeout=1) as connection:
            return connection.recv(len(greeting), socket.MSG_WAITALL) == greeting
    except OSError:
        return False
