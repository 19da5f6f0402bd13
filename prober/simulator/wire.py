"""What is known of a connection from the outside: which host was meant, whom it belongs to, which attempt it is of."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Host:
    """One name of the tenant, on a loopback address of its own.

    `client` is the client this name serves alone, empty for names that several share; `site` and `region` say where
    it stands. `scheme` is `https` or `imaps`.
    """

    name: str
    address: str
    port: int
    scheme: str = "https"
    client: str = ""
    site: str = ""
    region: str = ""

    @property
    def authority(self) -> str:
        """`name:port`."""
        return f"{self.name}:{self.port}"


@dataclass(slots=True, eq=False)
class Attempt:
    """What looks from here like one round of a client: connections to its host that overlap, and the look-up before.

    `requests` counts what was asked in it so far; `struck` are the faults that have hit it, `due` at which request a
    fault meant for any step is going to. `open` counts connections that keep it going, `connected` says that it had
    one; `usual` is how many requests the attempt before it made.
    """

    key: str
    number: int
    requests: int = 0
    struck: set[int] = field(default_factory=set)
    due: dict[int, int] = field(default_factory=dict)
    open: int = 0
    connected: bool = False
    usual: int = 1


@dataclass(slots=True, eq=False)
class Connection:
    """One accepted connection. `opened` is on the tenant's clock, in seconds. `mailbox` is set once it is known.

    `waits`: it waits for news, and keeps its attempt going no longer.
    """

    number: int
    host: Host
    peer: str
    opened: float
    attempt: Attempt
    mailbox: str = ""
    requests: int = 0
    waits: bool = False
