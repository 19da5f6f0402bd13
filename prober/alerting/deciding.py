"""The rules by which somebody is called at once: detector, blame, and whether the prober may be believed.

Rule of this file: they stand in one group, those that inhibit before those that are inhibited. Groups are evaluated at
times of their own, and a page that left before its inhibition would have been sent.
"""

from prober.alerting import blame, detector, sickness
from prober.alerting.objective import Objective
from prober.alerting.rule import Alert, Bundle, Group, no_data

EVALUATED = "15s"


def bundle(objective: Objective) -> Bundle:
    """Return the group, with the tests of all its parts."""
    rules = (*sickness.sick(objective), *detector.RECORDS, *blame.ALERTS, *detector.ALERTS)
    cases = (
        no_data(rule for rule in rules if isinstance(rule, Alert)),
        *sickness.sick_cases(objective),
        *blame.cases(),
        *detector.cases(),
    )
    about = "Whoever is to be called at once: what the detector found, whose fault it is, whether the prober is well."
    return Bundle("detector", about, (Group("clientaccess-detector", rules, EVALUATED),), cases)
