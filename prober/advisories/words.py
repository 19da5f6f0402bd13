"""Which words of a notice mean which client, and which words mean which region.

Rule of this file: tables, and how a word is looked for: whole, capitals as they are written (REST, POP), the rest in
any case.
"""

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType

ALL_CLIENTS = (
    "any connection method",
    "any connection methods",
    "all connection methods",
    "multiple protocols",
)
"""What is said of an incident that spares no client."""
CLIENTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "outlook_mobile": ("Outlook mobile", "iOS", "Android", "REST"),
        "outlook_mac": ("Outlook for Mac",),
        "outlook_mac_legacy": ("Outlook for Mac",),
        "imap4": ("IMAP", "IMAP4", "POP", "POP3"),
        "activesync": ("ActiveSync", "EAS", "Exchange ActiveSync", "native mail"),
        "owa": ("Outlook on the web", "OWA"),
        "outlook_desktop": ("Outlook desktop", "classic Outlook", "MAPI", "RPC", "cached mode"),
        "m365_signin": ("sign in", "sign-in", "signing in", "authentication", "Office.com", "Copilot", "portal"),
    }
)
"""By client, the words that name it or its protocol."""
EUROPE = ("Europe", "European", "EMEA")
BRITAIN = ("United Kingdom", "Britain", "UK")
NORTH_AMERICA = ("North America", "United States", "Canada", "US", "U.S.")
STATES = ("North America", "United States", "US", "U.S.")
ASIA = ("Asia-Pacific", "Asia Pacific", "Asia", "APAC")
SOUTH_AMERICA = ("South America", "Latin America", "LATAM")
REGIONS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        **dict.fromkeys(("eu", "emea", "europe", "westeurope", "northeurope"), EUROPE),
        **dict.fromkeys(("uk", "gb", "uksouth", "ukwest"), (*BRITAIN, *EUROPE)),
        **dict.fromkeys(("de", "germany"), ("Germany", *EUROPE)),
        **dict.fromkeys(("fr", "france"), ("France", *EUROPE)),
        **dict.fromkeys(("na", "nam", "amer", "northamerica"), NORTH_AMERICA),
        **dict.fromkeys(("us", "usa", "eastus", "westus"), STATES),
        **dict.fromkeys(("ca", "canada"), ("Canada", "North America")),
        **dict.fromkeys(("apac", "asia", "southeastasia", "eastasia"), ASIA),
        **dict.fromkeys(("jp", "japan"), ("Japan", *ASIA)),
        **dict.fromkeys(("au", "australia"), ("Australia", *ASIA)),
        **dict.fromkeys(("latam", "sa", "southamerica"), SOUTH_AMERICA),
    }
)
"""By a part of a region's label as configured, the words that stand for it in notices."""
OWN_NAME = 4
"""Letters from which on a part of a label also stands for itself."""
_PARTS = re.compile(r"[^a-z]+")


def says(text: str, words: Iterable[str]) -> bool:
    """Whether one of `words` stands in `text`."""
    return any(_pattern(word).search(text) for word in words)


def region_words(label: str) -> frozenset[str]:
    """Return the words that stand in notices for a region labelled `label`; none for one that nobody would know."""
    parts = {*_PARTS.split(label.lower()), label.lower()} - {""}
    own = {part for part in parts if len(part) >= OWN_NAME}
    return frozenset(own.union(*(REGIONS.get(part, ()) for part in parts)))


def _pattern(word: str) -> re.Pattern[str]:
    flags = re.NOFLAG if word.upper() == word else re.IGNORECASE
    return re.compile(rf"(?<![A-Za-z0-9]){re.escape(word)}(?![A-Za-z0-9])", flags)
