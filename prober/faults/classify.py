"""From an exception and the interrupted phase to a fault: the last resort, after every protocol's own tables.

Only numeric codes and types are looked at, because messages change between OpenSSL and libc versions.
"""

import asyncio
import errno
from types import MappingProxyType

from prober.faults import taxonomy as kinds
from prober.faults.taxonomy import Fault, FaultError, Kind
from prober.vocabulary import Phase

SOCKET = {
    errno.ECONNREFUSED: kinds.TCP_REFUSED,
    errno.EHOSTUNREACH: kinds.TCP_UNREACHABLE,
    errno.ENETUNREACH: kinds.TCP_UNREACHABLE,
    errno.EADDRNOTAVAIL: kinds.NO_DESCRIPTORS,
    errno.ETIMEDOUT: kinds.TCP_TIMEOUT,
    errno.ECONNRESET: kinds.PEER_RESET,
    errno.ECONNABORTED: kinds.PEER_RESET,
    errno.EPIPE: kinds.PEER_RESET,
    errno.EMFILE: kinds.NO_DESCRIPTORS,
    errno.ENFILE: kinds.NO_DESCRIPTORS,
    errno.ENOBUFS: kinds.NO_DESCRIPTORS,
    errno.ENOMEM: kinds.NO_DESCRIPTORS,
}
TIMED_OUT_DURING = {
    Phase.DNS: kinds.DNS_TIMEOUT,
    Phase.CONNECT: kinds.TCP_TIMEOUT,
    Phase.TLS: kinds.TLS_TIMEOUT,
    Phase.SEND: kinds.SEND_STALLED,
    Phase.WAIT: kinds.NO_ANSWER,
    Phase.RECEIVE: kinds.ANSWER_STALLED,
}


def classify(exc: BaseException, during: Phase | None) -> Fault:
    """Return the fault that `exc` means when it interrupted phase `during` (`None`: no network act under way)."""
    if isinstance(exc, FaultError):
        return exc.fault.during(during)
    if isinstance(exc, TimeoutError) and getattr(exc, "errno", None) is None:
        return Fault(kinds.STEP_TIMEOUT if during is None else TIMED_OUT_DURING[during], phase=during)
    if isinstance(exc, OSError) and exc.errno in SOCKET:
        kind = SOCKET[exc.errno]
        return Fault(kind, MappingProxyType({"errno": errno.errorcode.get(exc.errno, str(exc.errno))}), during)
    if isinstance(exc, asyncio.CancelledError):
        return Fault(kinds.PROBER_CANCELLED, phase=during)
    return _bug(kinds.PROBER_BUG, exc, during)


def _bug(kind: Kind, exc: BaseException, during: Phase | None) -> Fault:
    """Keep where the bug is, never what its message says: messages may carry what a server or a user wrote."""
    where = "unknown"
    trace = exc.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        if "prober" in code.co_filename:
            where = f"{code.co_filename.rsplit('prober/', 1)[-1]}:{trace.tb_lineno}"
        trace = trace.tb_next
    return Fault(kind, MappingProxyType({"exception": type(exc).__name__, "where": where}), during)
