"""FindItem: what is in a folder, restricted, sorted and in pages, or what is on within a time (MS-OXWSSRCH)."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType

from prober.simulator.ews import soap
from prober.simulator.ews.folders import window
from prober.simulator.ews.session import Session
from prober.simulator.ews.shape import PROPERTIES, ItemShape, item_element
from prober.simulator.ews.soap import M, Malformed, Refused, T
from prober.simulator.http.markup import Element, el, local
from prober.simulator.mailbox import Item, Mailbox

PAGE = 1000
Test = Callable[[Mailbox, Item], bool]
COMPARE: Mapping[str, Callable[[str, str], bool]] = MappingProxyType(
    {
        "IsEqualTo": lambda left, right: left == right,
        "IsNotEqualTo": lambda left, right: left != right,
        "IsGreaterThan": lambda left, right: left > right,
        "IsGreaterThanOrEqualTo": lambda left, right: left >= right,
        "IsLessThan": lambda left, right: left < right,
        "IsLessThanOrEqualTo": lambda left, right: left <= right,
    }
)
CONTAIN: Mapping[str, Callable[[str, str], bool]] = MappingProxyType(
    {
        "FullString": lambda whole, part: whole == part,
        "Prefixed": lambda whole, part: whole.startswith(part),
        "Substring": lambda whole, part: part in whole,
        "PrefixOnWords": lambda whole, part: any(word.startswith(part) for word in whole.split()),
        "ExactPhrase": lambda whole, part: f" {part} " in f" {whole} ",
    }
)


def find_item(session: Session) -> Element:
    """Answer `FindItem`: a response message for each parent folder."""
    shape = ItemShape(session.part("ItemShape"), listed=True)
    restriction = session.element.find(f"{M}Restriction")
    test = _test(_only(restriction)) if restriction is not None else _anything
    messages = [_found(session, one, shape, test) for one in session.part("ParentFolderIds")]
    return soap.response(session.operation, *messages)


def _found(session: Session, reference: Element, shape: ItemShape, test: Test) -> Element:
    try:
        folder = session.folder(reference)
    except Refused as refused:
        return soap.failure(session.operation, refused)
    hits = [item for item in session.items(folder) if test(session.mailbox, item)]
    view = session.element.find(f"{M}CalendarView")
    if view is not None:
        return _listing(session, _within(view, hits), shape, 0, PAGE, paged=False)
    offset, size = window(session.element.find(f"{M}IndexedPageItemView"), PAGE)
    return _listing(session, _sorted(session, hits), shape, offset, size, paged=True)


def _listing(session: Session, hits: list[Item], shape: ItemShape, offset: int, size: int, *, paged: bool) -> Element:
    page = hits[offset : offset + size]
    root = el("m:RootFolder", el("t:Items", *(item_element(session.mailbox, item, shape) for item in page)))
    if paged:
        root.set("IndexedPagingOffset", str(offset + len(page)))
    root.set("TotalItemsInView", str(len(hits)))
    root.set("IncludesLastItemInRange", str(offset + len(page) >= len(hits)).lower())
    return soap.success(session.operation, root)


def _sorted(session: Session, hits: list[Item]) -> list[Item]:
    """Return the hits in the order asked for, by default the newest first."""
    order = session.element.find(f"{M}SortOrder")
    hits = list(reversed(hits))
    for field in reversed(list(order)) if order is not None else ():
        name = _field(field)
        falls = field.get("Order") == "Descending"
        hits = _by_field(session.mailbox, hits, name, falls=falls)
    return hits


def _by_field(mailbox: Mailbox, hits: list[Item], field: str, *, falls: bool) -> list[Item]:
    return sorted(hits, key=lambda item: _value(mailbox, item, field), reverse=falls)


def _within(view: Element, hits: list[Item]) -> list[Item]:
    start, end = (_time(view.get(name, "")) for name in ("StartDate", "EndDate"))
    if end < start:
        raise Refused("ErrorCalendarEndDateIsEarlierThanStartDate", "EndDate is earlier than StartDate.")
    most = view.get("MaxEntriesReturned", str(PAGE))
    found = [item for item in hits if item.start and item.end and item.start < end and item.end > start]
    found.sort(key=lambda item: item.start or start)
    return found[: int(most)] if most.isdecimal() else found


def _time(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Malformed(f"The value '{text}' is no date and time.") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _anything(mailbox: Mailbox, item: Item) -> bool:
    return True


def _test(condition: Element) -> Test:
    """Return what a search expression asks of an item. Raises `Malformed`."""
    name = local(condition)
    if name in ("And", "Or"):
        tests = [_test(one) for one in condition]
        both = all if name == "And" else any
        return lambda mailbox, item: both(test(mailbox, item) for test in tests)
    if name == "Not":
        inner = _test(_only(condition))
        return lambda mailbox, item: not inner(mailbox, item)
    field = _field(condition)
    if name == "Exists":
        return lambda mailbox, item: _value(mailbox, item, field) != ""
    return _comparison(condition, name, field)


def _comparison(condition: Element, name: str, field: str) -> Test:
    constant = next(condition.iter(f"{T}Constant"), None)
    if constant is None:
        raise Malformed(f"The element '{name}' has no constant.")
    wanted = _constant(field, constant.get("Value", ""))
    if name in COMPARE:
        compare = COMPARE[name]
        return lambda mailbox, item: compare(_value(mailbox, item, field), wanted)
    contain = CONTAIN.get(condition.get("ContainmentMode", "Substring"))
    if name != "Contains" or contain is None:
        raise Malformed(f"The element '{name}' is no search expression.")
    if condition.get("ContainmentComparison", "Exact") == "Exact":
        return lambda mailbox, item: contain(_value(mailbox, item, field), wanted)
    return lambda mailbox, item: contain(_value(mailbox, item, field).lower(), wanted.lower())


def _constant(field: str, text: str) -> str:
    """Return a constant as values are compared: times in UTC, sizes of equal length, truth in lower case."""
    if PROPERTIES.get(field) is None:
        return text
    name = field.partition(":")[2]
    if name.startswith("DateTime") or name in ("Start", "End"):
        return _time(text).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if name == "Size":
        return text.zfill(12)
    return text.lower() if name.startswith("Is") else text


def _value(mailbox: Mailbox, item: Item, field: str) -> str:
    """Return a property as text to compare; of an element, all its text."""
    give = PROPERTIES.get(field)
    found = give(mailbox, item) if give else None
    if found is None:
        return ""
    text = found if isinstance(found, str) else " ".join(found.itertext())
    return text.zfill(12) if field == "item:Size" else text


def _field(element: Element) -> str:
    path = element.find(f"{T}FieldURI")
    if path is None:
        path = next(element.iter(f"{T}ExtendedFieldURI"), None)
        if path is None:
            raise Malformed(f"The element '{local(element)}' names no property.")
    return path.get("FieldURI", "")


def _only(element: Element) -> Element:
    if len(element) != 1:
        raise Malformed(f"The element '{local(element)}' has to have one condition.")
    return element[0]
