"""What the variables of a dashboard choose, as PromQL: only `clientaccess_probe_info` knows environment and vantage.

Rule of this file: a series is looked for by the labels that it has, and otherwise by those of the path or the prober
that it belongs to.
"""

PAIR = 'client=~"$client",target=~"$target"'
"""Matchers of a series of one client and target."""
WHERE = 'environment=~"$environment",vantage=~"$vantage"'
INFO = f"clientaccess_probe_info{{{WHERE},{PAIR}}}"


def paths(series: str, *labels: str, over: str = "") -> str:
    """Return the chosen series of a client and target; with `over` (`5m`) their rate. `labels` are more matchers."""
    chosen = f"{series}{{{','.join((PAIR, *labels))}}}"
    asked = f"rate({chosen}[{over}])" if over else chosen
    return f"({asked} and on (job, instance, client, target) {INFO})"


def recorded(name: str, *labels: str) -> str:
    """Return the chosen series of a recording rule by client and target: where from, a rule no longer knows."""
    return f"({name}{{{','.join((PAIR, *labels))}}} and on (client, target) {INFO})"


def groups(series: str, *labels: str) -> str:
    """Return the series of the detector's groups in the chosen environments, of the probers that stand there."""
    inside = ",".join(('group=~"$environment([/@].*)?"', *labels))
    return probers(f"{series}{{{inside}}}")


def environments(series: str, *labels: str) -> str:
    """Return series that have an environment, of the probers that stand where it was chosen."""
    inside = ",".join(('environment=~"$environment"', *labels))
    return probers(f"{series}{{{inside}}}")


def probers(expression: str) -> str:
    """Return what belongs to the probers that stand where it was chosen."""
    return f'({expression} and on (job, instance) clientaccess_probe_info{{vantage=~"$vantage"}})'


def bound(which: str) -> str:
    """Return the matcher of one limit of a ratio: `lower`, `upper` or `estimate`."""
    return f'bound="{which}"'
