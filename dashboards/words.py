"""What values of metrics mean, in words and colours."""

from collections.abc import Mapping
from types import MappingProxyType

from dashboards.panels import BAD, FAIR, GOOD, NONE, POOR, STUDY, Steps

STATES: Mapping[int, tuple[str, str]] = MappingProxyType(
    {
        0: ("healthy", GOOD),
        1: ("suspect", FAIR),
        2: ("failing", BAD),
        3: ("recovering", POOR),
        4: ("learning", STUDY),
        5: ("no data", NONE),
    }
)
"""Of `clientaccess_detector_state`."""
UP: Mapping[int, tuple[str, str]] = MappingProxyType({0: ("failed", BAD), 1: ("ok", GOOD)})
BLAMED: Mapping[int, tuple[str, str]] = MappingProxyType({0: ("not blamed", NONE), 1: ("blamed", BAD)})
OPEN: Mapping[int, tuple[str, str]] = MappingProxyType({0: ("closed", GOOD), 1: ("open", POOR)})
ACTIVE: Mapping[int, tuple[str, str]] = MappingProxyType({0: ("none", GOOD), 1: ("open", POOR)})
YES: Mapping[int, tuple[str, str]] = MappingProxyType({0: ("no", BAD), 1: ("yes", GOOD)})
LOST: Mapping[int, tuple[str, str]] = MappingProxyType({0: ("kept", GOOD), 1: ("lost", BAD)})
AVAILABLE: Steps = ((None, BAD), (0.9, POOR), (0.99, FAIR), (0.999, GOOD))
FAILING: Steps = ((None, GOOD), (0.001, FAIR), (0.02, POOR), (0.2, BAD))
NONE_AT_BEST: Steps = ((None, GOOD), (1, BAD))
DAYS_LEFT: Steps = ((None, BAD), (7 * 86400, POOR), (21 * 86400, GOOD))
PLAIN: Steps = ((None, STUDY),)
