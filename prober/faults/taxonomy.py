"""The fault taxonomy as data: twenty-one reasons plus `slow`, the finer kinds below them, and the one exception.

Rule of this file: a kind belongs to exactly one reason for ever. Kinds that only one protocol can give stand in that
protocol's `status.py`; here are those that every transport shares.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum, StrEnum
from types import MappingProxyType
from typing import Self

from prober.vocabulary import Domain, Phase


class Counting(Enum):
    """How a reason bears on availability before anything else is known."""

    SERVICE = "S"
    """Counts against the service."""
    AMBIGUOUS = "A"
    """Counts, unless the control of the same vantage failed too."""
    PROBE = "P"
    """Ours, or a matter of set-up: never counts."""
    THROTTLED = "T"
    """Left out of numerator and denominator."""
    SEPARATE = "separate"
    """Not a failure: its own indicator."""


class Reason(StrEnum):
    """Value of the `reason` label. Each knows how it counts and where such a fault usually lies."""

    counting: Counting
    domain: Domain

    def __new__(cls, value: str, counting: Counting, domain: Domain) -> Self:
        """Make a member whose text is the label value."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.counting = counting
        member.domain = domain
        return member

    DNS_FAILURE = "dns_failure", Counting.AMBIGUOUS, Domain.DNS
    CONNECT_REFUSED = "connect_refused", Counting.AMBIGUOUS, Domain.NETWORK
    CONNECT_TIMEOUT = "connect_timeout", Counting.AMBIGUOUS, Domain.NETWORK
    TLS_HANDSHAKE = "tls_handshake", Counting.AMBIGUOUS, Domain.TLS
    TLS_CERTIFICATE = "tls_certificate", Counting.AMBIGUOUS, Domain.TLS
    CONNECTION_RESET = "connection_reset", Counting.SERVICE, Domain.FRONTEND
    READ_TIMEOUT = "read_timeout", Counting.SERVICE, Domain.FRONTEND
    REDIRECT_LOOP = "redirect_loop", Counting.SERVICE, Domain.FRONTEND
    UNEXPECTED_CHALLENGE = "unexpected_challenge", Counting.AMBIGUOUS, Domain.FRONTEND
    AUTH_REJECTED = "auth_rejected", Counting.PROBE, Domain.IDENTITY
    ACCESS_POLICY = "access_policy", Counting.PROBE, Domain.POLICY
    TOKEN_SERVICE_ERROR = "token_service_error", Counting.SERVICE, Domain.IDENTITY
    THROTTLED = "throttled", Counting.THROTTLED, Domain.PROBER
    SERVER_BUSY = "server_busy", Counting.SERVICE, Domain.FRONTEND
    SERVER_ERROR = "server_error", Counting.SERVICE, Domain.FRONTEND
    MAILBOX_UNAVAILABLE = "mailbox_unavailable", Counting.SERVICE, Domain.MAILBOX
    PROTOCOL_VIOLATION = "protocol_violation", Counting.SERVICE, Domain.PROTOCOL
    CLIENT_MISCONFIG = "client_misconfig", Counting.PROBE, Domain.PROBER
    PUSH_CHANNEL_LOST = "push_channel_lost", Counting.SERVICE, Domain.MAILBOX
    STALE_DATA = "stale_data", Counting.SERVICE, Domain.MAILBOX
    PROBE_INTERNAL = "probe_internal", Counting.PROBE, Domain.PROBER
    SLOW = "slow", Counting.SEPARATE, Domain.FRONTEND


@dataclass(frozen=True, slots=True)
class Kind:
    """One finer code. `code` is snake case and unique over the whole program; `domain` overrides the reason's."""

    code: str
    reason: Reason
    where: Domain | None = None

    @property
    def domain(self) -> Domain:
        """Where the fault lies."""
        return self.where or self.reason.domain


DNS_NO_SUCH_NAME = Kind("dns_no_such_name", Reason.DNS_FAILURE)
DNS_NO_ADDRESS = Kind("dns_no_address", Reason.DNS_FAILURE)
DNS_SERVER_FAILURE = Kind("dns_server_failure", Reason.DNS_FAILURE)
DNS_TIMEOUT = Kind("dns_timeout", Reason.DNS_FAILURE)

TCP_REFUSED = Kind("tcp_refused", Reason.CONNECT_REFUSED)
TCP_UNREACHABLE = Kind("tcp_unreachable", Reason.CONNECT_REFUSED)
TCP_TIMEOUT = Kind("tcp_timeout", Reason.CONNECT_TIMEOUT)

TLS_ALERT = Kind("tls_alert", Reason.TLS_HANDSHAKE)
TLS_CLOSED = Kind("tls_closed", Reason.TLS_HANDSHAKE)
TLS_TIMEOUT = Kind("tls_timeout", Reason.TLS_HANDSHAKE)
TLS_NO_COMMON_VERSION = Kind("tls_no_common_version", Reason.TLS_HANDSHAKE)
TLS_NOT_TLS = Kind("tls_not_tls", Reason.TLS_HANDSHAKE)
TLS_FAILED = Kind("tls_failed", Reason.TLS_HANDSHAKE)
STARTTLS_REFUSED = Kind("starttls_refused", Reason.TLS_HANDSHAKE)

TLS_EXPIRED = Kind("tls_expired", Reason.TLS_CERTIFICATE)
TLS_NOT_YET_VALID = Kind("tls_not_yet_valid", Reason.TLS_CERTIFICATE)
TLS_WRONG_NAME = Kind("tls_wrong_name", Reason.TLS_CERTIFICATE)
TLS_UNTRUSTED = Kind("tls_untrusted", Reason.TLS_CERTIFICATE)
TLS_BAD_CERTIFICATE = Kind("tls_bad_certificate", Reason.TLS_CERTIFICATE)

PEER_RESET = Kind("peer_reset", Reason.CONNECTION_RESET)
PEER_CLOSED = Kind("peer_closed", Reason.CONNECTION_RESET)
TRUNCATED_REPLY = Kind("truncated_reply", Reason.CONNECTION_RESET)

SEND_STALLED = Kind("send_stalled", Reason.READ_TIMEOUT)
NO_ANSWER = Kind("no_answer", Reason.READ_TIMEOUT)
ANSWER_STALLED = Kind("answer_stalled", Reason.READ_TIMEOUT)
STEP_TIMEOUT = Kind("step_timeout", Reason.READ_TIMEOUT)

BAD_REPLY = Kind("bad_reply", Reason.PROTOCOL_VIOLATION)
REPLY_TOO_LARGE = Kind("reply_too_large", Reason.PROTOCOL_VIOLATION)
HTML_INSTEAD_OF_DATA = Kind("html_instead_of_data", Reason.PROTOCOL_VIOLATION)
EMPTY_REPLY = Kind("empty_reply", Reason.PROTOCOL_VIOLATION)

BASIC_RETIRED = Kind("basic_retired", Reason.CLIENT_MISCONFIG, Domain.POLICY)

VIEW_STALE = Kind("view_stale", Reason.STALE_DATA)
CANARY_MISSING = Kind("canary_missing", Reason.STALE_DATA)

PROXY_UNREACHABLE = Kind("proxy_unreachable", Reason.PROBE_INTERNAL, Domain.PROXY)
PROXY_AUTH_REQUIRED = Kind("proxy_auth_required", Reason.PROBE_INTERNAL, Domain.PROXY)
PROXY_DENIED = Kind("proxy_denied", Reason.PROBE_INTERNAL, Domain.PROXY)
PROXY_UPSTREAM_REFUSED = Kind("proxy_upstream_refused", Reason.CONNECT_REFUSED, Domain.PROXY)
PROXY_UPSTREAM_TIMEOUT = Kind("proxy_upstream_timeout", Reason.CONNECT_TIMEOUT, Domain.PROXY)

PROBER_BUG = Kind("prober_bug", Reason.PROBE_INTERNAL)
PROBER_CANCELLED = Kind("prober_cancelled", Reason.PROBE_INTERNAL)
NO_DESCRIPTORS = Kind("no_descriptors", Reason.PROBE_INTERNAL)
LOOP_BLOCKED = Kind("loop_blocked", Reason.PROBE_INTERNAL)
CLOCK_WRONG = Kind("clock_wrong", Reason.PROBE_INTERNAL)
STARTED_LATE = Kind("started_late", Reason.PROBE_INTERNAL)
MAINTENANCE = Kind("maintenance", Reason.PROBE_INTERNAL)
SECRET_UNREADABLE = Kind("secret_unreadable", Reason.PROBE_INTERNAL)

SLOW = Kind("slow", Reason.SLOW)


def no_evidence() -> Mapping[str, str]:
    """Return no evidence at all."""
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that went wrong.

    `evidence` holds short texts under fixed names: never a secret, an address of a mailbox, a server's full name or
    free text of a message. `phase` is the network phase that was interrupted, if one was. `retry_after` is the
    server's wish in seconds.
    """

    kind: Kind
    evidence: Mapping[str, str] = field(default_factory=no_evidence)
    phase: Phase | None = None
    retry_after: float | None = None

    @property
    def reason(self) -> Reason:
        """The closed class this fault belongs to."""
        return self.kind.reason

    def during(self, phase: Phase | None) -> "Fault":
        """Return the same fault, with the interrupted phase filled in where it was not known."""
        return self if self.phase is not None or phase is None else replace(self, phase=phase)


class FaultError(Exception):
    """The only exception that readers and the network raise on purpose."""

    def __init__(
        self,
        kind: Kind,
        evidence: Mapping[str, str] | None = None,
        *,
        phase: Phase | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(kind.code)
        self.fault = Fault(kind, MappingProxyType(dict(evidence or {})), phase, retry_after)
