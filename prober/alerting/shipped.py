"""Which bundles there are."""

from prober.alerting import burning, caretaking, deciding, plain, recording, vantages
from prober.alerting.objective import Objective
from prober.alerting.rule import Bundle

MAKERS = (
    recording.bundle,
    deciding.bundle,
    burning.bundle,
    caretaking.supplying,
    caretaking.caretaking,
    vantages.bundle,
    plain.bundle,
)


def bundles(objective: Objective) -> tuple[Bundle, ...]:
    """Return every bundle for one objective."""
    return tuple(make(objective) for make in MAKERS)
