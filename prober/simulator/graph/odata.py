"""Query options: which part of a collection is wanted, in what order, and with which properties (OData 4.01 URL, 5).

Rule of this file: names of options compare without case and with or without their dollar sign, as Graph has it; what
is no option of Outlook's is refused in words.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from prober.simulator.graph.errors import GraphError, bad_request
from prober.simulator.graph.filters import Filter, entity_value, no_property, read_filter

LARGEST = 1000
SAFE = "$',:"
"""What a query may hold as it is, and is easier to read for."""
MAXPAGESIZE = re.compile(r"odata\.maxpagesize\s*=\s*([0-9]{1,9})", re.IGNORECASE)


def names(text: str) -> frozenset[str]:
    """Return the names in `text`, which spaces divide."""
    return frozenset(text.split())


OPTIONS = names("top skip select orderby filter count search expand skiptoken deltatoken startdatetime enddatetime")


@dataclass(frozen=True, slots=True)
class Query:
    """The options of one request by name, in lower case and without the dollar sign; `url` is the request's own."""

    options: Mapping[str, str]
    url: str

    @classmethod
    def read(cls, query: Mapping[str, str], url: str) -> "Query":
        """Return the options among `query`; what has another name is none of ours."""
        named = {name.lower().removeprefix("$"): value for name, value in query.items()}
        return cls({name: value for name, value in named.items() if name in OPTIONS}, url)

    def text(self, name: str) -> str:
        """Return an option, empty when it was not given."""
        return self.options.get(name, "")

    def number(self, name: str, default: int) -> int:
        """Return `$top` or `$skip`. Raises `GraphError`."""
        text = self.text(name)
        if not text:
            return default
        if not re.fullmatch(r"[0-9]{1,9}", text):
            raise bad_request(
                f"Invalid value '{text}' for ${name} query option found. "
                f"The ${name} query option requires a non-negative integer value."
            )
        return int(text)

    def top(self, default: int) -> int:
        """Return how many entities a page may have, 1 to 1,000. Raises `GraphError`."""
        number = self.number("top", default)
        if number > LARGEST:
            raise bad_request(
                f"The limit of '{LARGEST}' for Top query has been exceeded. "
                f"The value from the incoming request is '{number}'."
            )
        if number == 0:
            raise bad_request("Invalid value '0' for $top query option found.")
        return number

    def next_url(self, **changed: str) -> str:
        """Return this request's URL with some options replaced."""
        options = {f"${name}" if not name.endswith("datetime") else name: v for name, v in self.options.items()}
        options |= {f"${name}": value for name, value in changed.items()}
        return f"{self.url}?{urlencode(options, quote_via=quote, safe=SAFE)}"


def page_size(prefer: str, default: int) -> tuple[int, bool]:
    """Return the page size that a `Prefer` field asks for, and whether it does."""
    found = MAXPAGESIZE.search(prefer)
    if found is None or int(found[1]) == 0:
        return default, False
    return min(int(found[1]), LARGEST), True


def selector(query: Query, known: frozenset[str]) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    """Return what keeps only the properties of `$select`, the id and annotations always. Raises `GraphError`."""
    names = {name.lower(): name for name in known}
    asked = [name.strip() for name in query.text("select").split(",") if name.strip()]
    for name in asked:
        if name != "*" and name.partition("/")[0].lower() not in names:
            raise no_property(name)
    if not asked or "*" in asked:
        return dict
    kept = {names[name.partition("/")[0].lower()] for name in asked} | {"id"}
    return lambda entity: {name: value for name, value in entity.items() if name in kept or name.startswith("@")}


def sorter(query: Query, known: frozenset[str]) -> Callable[[Iterable[Mapping[str, Any]]], list[Mapping[str, Any]]]:
    """Return what puts entities in the order of `$orderby`. Raises `GraphError`."""
    keys = [_order(part, known) for part in query.text("orderby").split(",") if part.strip()]

    def ordered(entities: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        result = list(entities)
        for path, down in reversed(keys):
            result.sort(key=lambda entity: _sortable(entity_value(entity, path)), reverse=down)
        return result

    return ordered


def order_fields(query: Query) -> list[str]:
    """Return the properties that `$orderby` names, in order."""
    return [part.split()[0].lower() for part in query.text("orderby").split(",") if part.strip()]


def filtered(query: Query, known: frozenset[str]) -> Filter:
    """Return the filter asked for; one that cannot be served together with the order is refused (`GraphError`)."""
    made = read_filter(query.text("filter"), known)
    order = order_fields(query)
    if made.fields and order and [name.lower() for name in made.fields[: len(order)]] != order[: len(made.fields)]:
        raise GraphError("InefficientFilter", "The restriction or sort order is too complex for this operation.")
    return made


def one_page(query: Query, entities: Sequence[Mapping[str, Any]], top: int) -> dict[str, Any]:
    """Return the page of `entities` that `$skip` points at, with the link to the next one where there is one."""
    skip = query.number("skip", 0)
    body: dict[str, Any] = {}
    if query.text("count").lower() == "true":
        body["@odata.count"] = len(entities)
    if skip + top < len(entities):
        body["@odata.nextLink"] = query.next_url(skip=str(skip + top))
    return body | {"value": list(entities[skip : skip + top])}


def _order(part: str, known: frozenset[str]) -> tuple[str, bool]:
    path, *rest = part.split()
    names = {name.lower(): name for name in known}
    head, _, tail = path.partition("/")
    if head.lower() not in names:
        raise no_property(head)
    if [word.lower() for word in rest] not in ([], ["asc"], ["desc"]):
        raise bad_request(f"Syntax error in the $orderby clause '{part.strip()}'.")
    return names[head.lower()] + (f"/{tail}" if tail else ""), [word.lower() for word in rest] == ["desc"]


def _sortable(value: Any) -> tuple[int, Any]:
    if isinstance(value, str):
        return (1, value.lower())
    return (1, value) if isinstance(value, bool | int) else (0, "")
