"""XML in and out for the services that speak it.

Rule of this file: what comes in is read without entities and external references, and what goes out carries the
prefixes and default namespaces that the real server writes, for not every client reads namespaces properly.
"""

import re
from xml.etree import ElementTree as ET

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

ILLEGAL = re.compile("[^\\t\\n\\r\\x20-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")
"""Characters that XML 1.0 (section 2.2) has no way to write."""
DECLARATION = b'<?xml version="1.0" encoding="utf-8"?>'
DEEPEST = 64
"""No request of these protocols nests deeper; some writers and readers recurse."""

Element = ET.Element


def parse(body: bytes) -> Element | None:
    """Return the root of a document, `None` where it is not well-formed, brings entities or nests absurdly deep."""
    try:
        root: Element = fromstring(body, forbid_dtd=True)
    except (ET.ParseError, DefusedXmlException, ValueError, LookupError):  # LookupError: an encoding nobody knows
        return None
    return root if _shallow(root) else None


def el(tag: str, *content: Element | str | None, **attributes: str) -> Element:
    """Return an element with its prefix as written (`m:Folders`); text is given as one string."""
    made = Element(tag, {name: _legal(value) for name, value in attributes.items()})
    for one in content:
        if isinstance(one, str):
            made.text = _legal(one)
        elif one is not None:
            made.append(one)
    return made


def spaced(element: Element, **spaces: str) -> Element:
    """Declare namespaces on `element`: by prefix, the default one as `default`."""
    for prefix, uri in spaces.items():
        element.set("xmlns" if prefix == "default" else f"xmlns:{prefix}", uri)
    return element


def written(root: Element) -> bytes:
    """Return the document in UTF-8 with its declaration."""
    document: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=False)
    return DECLARATION + document


def text_of(parent: Element | None, path: str, spaces: dict[str, str] | None = None) -> str:
    """Return the text at `path` without blanks around it, empty where there is none."""
    found = parent.find(path, spaces) if parent is not None else None
    return (found.text or "").strip() if found is not None else ""


def local(element: Element) -> str:
    """Return the name of an element without its namespace."""
    return element.tag.rpartition("}")[2]


def space(element: Element) -> str:
    """Return the namespace of an element, empty without one."""
    return element.tag[1:].partition("}")[0] if element.tag.startswith("{") else ""


def _legal(text: str) -> str:
    return ILLEGAL.sub("\ufffd", text)


def _shallow(root: Element) -> bool:
    level = [root]
    for _ in range(DEEPEST):
        level = [child for one in level for child in one]
        if not level:
            return True
    return False
