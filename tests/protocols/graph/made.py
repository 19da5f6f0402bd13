"""Answers of Graph, written out."""

import json
from typing import Any

from prober.exchange import Headers, Reply

GRAPH = "https://graph.microsoft.com/v1.0"
USER = f"{GRAPH}/users/probe@contoso.example"
NEXT = f"{GRAPH}/me/mailfolders/AQMkADNkNAAAgEMAAAA/messages/delta?$skiptoken=GwcBoTmPuoTQWfcsAbkYM"
DELTA = f"{GRAPH}/me/mailfolders/AQMkADNkNAAAgEMAAAA/messages/delta?$deltatoken=GwcBoTmPuoGNlgXgF1nyUNMXY9Y"
"""Links as in Learn, "Get incremental changes to messages in a folder", their tokens cut."""


def answer(document: Any, status: int = 200, **headers: str) -> Reply:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return Reply(status, Headers((name.replace("_", "-"), value) for name, value in headers.items()), body)


def error(code: str, status: int, **headers: str) -> Reply:
    """Learn, "Microsoft Graph error responses and resource types"."""
    inner = {"request-id": "request-id", "date": "date-time"}
    return answer({"error": {"code": code, "message": "a message", "innerError": inner}}, status, **headers)


def collection(*items: Any, next_link: str = "", delta_link: str = "") -> Reply:
    links = {"@odata.nextLink": next_link, "@odata.deltaLink": delta_link}
    context = {"@odata.context": f"{GRAPH}/$metadata#Collection(message)"}
    return answer(context | {name: link for name, link in links.items() if link} | {"value": list(items)})
