"""The configuration as it may be shown: as it was written, without addresses and names of accounts.

Secrets cannot stand in it in the first place; where they lie is shown.
"""

from collections.abc import Mapping

import yaml

from prober.settings.source import Value

HIDDEN = frozenset({"mailbox", "username"})
MASK = "***"


def redacted(value: Mapping[str, Value]) -> str:
    """Return a document that has been validated as YAML, several files taken together."""
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    text: str = yaml.dump(
        _masked(dict(value)), Dumper=dumper, sort_keys=False, allow_unicode=True, default_flow_style=False
    )
    return text


def _masked(value: Value) -> Value:
    if isinstance(value, dict):
        return {key: MASK if key in HIDDEN and inner else _masked(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_masked(inner) for inner in value]
    return value
