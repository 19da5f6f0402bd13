"""Ports where nothing good happens: silence, refusal, and packets that vanish."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from tests.servers.ports import HOST

MORE_THAN_ENOUGH = 8  # connections that fill a queue of one


@contextmanager
def silent() -> Iterator[int]:
    """Give a port that accepts every connection and never says a word."""
    with socket.create_server((HOST, 0), backlog=256) as listening:
        yield int(listening.getsockname()[1])  # the kernel accepts; nobody ever reads


@contextmanager
def refusing() -> Iterator[int]:
    """Give a port that refuses connections, kept so that nobody else can come to listen there."""
    with socket.socket() as bound:
        bound.bind((HOST, 0))
        yield int(bound.getsockname()[1])


@contextmanager
def black_hole() -> Iterator[int]:
    """Give a port where connecting is never answered: its queue is full, and Linux drops what does not fit."""
    with ExitStack() as stack:
        listening = stack.enter_context(socket.create_server((HOST, 0), backlog=0))
        port = int(listening.getsockname()[1])
        for _ in range(MORE_THAN_ENOUGH):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex((HOST, port))
        yield port
