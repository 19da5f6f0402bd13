"""One request as the handlers of this service see it: who asks, for whose mailbox, and what is to be answered from."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any

from prober.simulator.graph.errors import bad_request
from prober.simulator.graph.odata import Query
from prober.simulator.http.message import Fields, Request
from prober.simulator.mailbox import Mailbox
from prober.simulator.service import Premises
from prober.simulator.tokens import Admission


@dataclass(frozen=True, slots=True)
class Asking:
    """What a handler works with.

    `parts`: the segments of the path that stand for a `*` of its pattern, as sent. `root`: the URL of the version.
    `user` is the account the path names, `mailbox` its mailbox where the pattern is about one. `until`: a store that
    serves an old view shows what it had received by then.
    """

    request: Request
    premises: Premises
    admission: Admission
    query: Query
    root: str
    parts: tuple[str, ...] = ()
    user: str = ""
    until: datetime | None = None
    mailbox_or_none: Mailbox | None = None

    @property
    def mailbox(self) -> Mailbox:
        """The mailbox this is about. Raises `LookupError` for a pattern that is about none."""
        if self.mailbox_or_none is None:
            raise LookupError("this path leads to no mailbox")
        return self.mailbox_or_none

    @property
    def now(self) -> datetime:
        """The tenant's time."""
        return self.premises.tenant.clocks.now()

    @property
    def prefer(self) -> str:
        """What the client would prefer (RFC 7240)."""
        return self.request.header("prefer")

    def document(self) -> dict[str, Any]:
        """Return the body, names in lower case, as Graph does not mind their case. Raises `GraphError`."""
        try:
            found = json.loads(self.request.body)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise bad_request("Unable to read JSON request payload. Please ensure Content-Type header is set.")
        return {str(name).lower(): value for name, value in found.items()}

    def context(self, what: str) -> str:
        """Return the `@odata.context` of `what`."""
        return f"{self.root}/$metadata#{what}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a handler answers: a document, or nothing but a status; `raw` where it is no JSON."""

    document: Mapping[str, Any] | None = None
    status: int = 200
    headers: Fields = ()
    raw: bytes | None = field(default=None, repr=False)


NOTHING: Mapping[str, Any] = MappingProxyType({})
