"""The closed sets of words that leave the prober as label values. Add members, never rename them."""

from enum import StrEnum


class Phase(StrEnum):
    """One stretch of network time inside a step, in the order in which they happen."""

    DNS = "dns"
    CONNECT = "connect"
    TLS = "tls"
    SEND = "send"
    WAIT = "wait"
    RECEIVE = "receive"


class Depth(StrEnum):
    """How much a probe needs, and so how much it proves."""

    REACH = "reach"
    TOKEN = "token"  # noqa: S105 - a label value, not a secret
    MAILBOX = "mailbox"

    @property
    def rank(self) -> int:
        """Order of the depths: what is due at a depth is due at every deeper one."""
        return DEPTHS.index(self)


DEPTHS = tuple(Depth)


class Environment(StrEnum):
    """Whose servers these are; sets endpoints and a few rules of judgement."""

    EXCHANGE_ONLINE = "exchange_online"
    EXCHANGE_SERVER = "exchange_server"
    INDEPENDENT = "independent"


class Fidelity(StrEnum):
    """Whether a client speaks the real client's protocol or a public stand-in for it."""

    PROTOCOL = "protocol"
    SURROGATE = "surrogate"


class Verdict(StrEnum):
    """What one finished transaction means for availability."""

    OK = "ok"
    SLOW = "slow"
    FAILED = "failed"
    THROTTLED = "throttled"
    EXCLUDED = "excluded"
    INCONCLUSIVE = "inconclusive"
    RETIRED = "retired"

    @property
    def counted(self) -> bool:
        """Whether it belongs in the denominator of availability."""
        return self in COUNTED


COUNTED = frozenset({Verdict.OK, Verdict.SLOW, Verdict.FAILED})


class Domain(StrEnum):
    """Where a fault lies, and so whom to call first."""

    NETWORK = "network"
    DNS = "dns"
    TLS = "tls"
    PROXY = "proxy"
    IDENTITY = "identity"
    FRONTEND = "frontend"
    MAILBOX = "mailbox"
    PROTOCOL = "protocol"
    POLICY = "policy"
    PROBER = "prober"
