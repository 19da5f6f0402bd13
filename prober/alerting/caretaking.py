"""The rules that can wait for a minute: supply; then staleness, expiry, and what impairs the prober."""

from prober.alerting import expiry, sickness, staleness, supply
from prober.alerting.objective import Objective
from prober.alerting.rule import Alert, Bundle, Group, no_data


def supplying(objective: Objective) -> Bundle:
    """Return the alerts on whether there is anything to judge by."""
    rules = supply.rules(objective)
    alerts = [rule for rule in rules if isinstance(rule, Alert) and rule is not supply.ABSENT]
    about = "Whether there is anything to judge by: a prober, attempts, attempts that count."
    return Bundle("supply", about, (Group("clientaccess-supply", rules),), (no_data(alerts), *supply.cases(objective)))


def caretaking(objective: Objective) -> Bundle:
    """Return the alerts on what is old, what expires, and what the prober needs."""
    groups = (
        Group("clientaccess-staleness", staleness.rules(objective)),
        Group("clientaccess-expiry", expiry.ALERTS),
        Group("clientaccess-prober", sickness.IMPAIRED),
    )
    alerts = [rule for group in groups for rule in group.rules if isinstance(rule, Alert)]
    cases = (no_data(alerts), *staleness.cases(objective), *expiry.cases(), *sickness.impaired_cases())
    return Bundle("caretaking", "What is old, what expires, what the prober needs.", groups, cases)
