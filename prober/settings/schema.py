"""The JSON Schema of the configuration and its description for people, both made from the document model."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from prober.identity.spec import CredentialType
from prober.settings.credentials import MAY, NEEDS
from prober.settings.document import Document
from prober.settings.targets import DEFAULTS

Schema = dict[str, Any]

HEAD = """# Configuration, key by key

One YAML file, several, or a directory of `*.yml`: lists of targets and maintenance windows and mappings of credentials
and profiles are taken together, every other section stands in one file only, and names are unique over all files.
Unknown keys are mistakes. Durations have a unit (`500ms`, `30s`, `2m`, `1h30m`, `7d`). Secrets never stand in the
configuration: every secret has a `…_file` and, where useful, a `…_env` key, and is read anew when it is needed (the
password of a proxy: with the configuration). File names are relative to the file that names them.

`prober check-config F` reads a configuration as `prober run` would, the files it names included, and prints one line
per mistake: `file:line:column: dotted.path: what is wrong`.

Other programs add targets by lists of their own: files that `discovery.files` names, and what servers hand out at the
URLs of `discovery.http`. Each is a list of entries as they stand in `targets`, in YAML or JSON, of at most 1 MiB. An
entry names credentials, profiles and labels of the configuration and has none of its own. It may not hold `tls`,
`network` or `proxy`, nor anywhere a key that ends in `_file` or `_env`. It binds no credential: each is shown to its
`hosts`, or to where the targets of the configuration itself are. Write a file beside the old one and rename it over
that.

    discovery:
      files: ["targets/*.json"]
      http:
        - url: https://inventory.corp.example/mail-targets
          interval: 1m
          token_file: /run/secrets/inventory

A list at a URL is fetched at the start and then at its `interval`; only a whole answer with status 200 counts,
redirects are not followed, and `[]` is a good list, as with Prometheus' `http_sd_configs`. A bad list (not to be had,
too large, not one, with an entry that is wrong beside everything else) counts as it last was good, also after a restart
where there is a `storage.path`, and holds up nothing else. One that never was good counts as empty; in a file it is a
mistake at the start. `clientaccess_discovery_last_refresh_successful` is then 0, and the log says why. A change of the
configuration that leaves no room for a list that is good (it takes away a credential that is named there) is a mistake.
Maintenance windows may name targets that are not there now. `check-config`, `once`, `rules` and `verify` read the lists
in files and fetch none.

A running prober reads its files again when one of them changes (by content, links followed, once it has stayed the same
for a second; it looks every five seconds), on SIGHUP, and on `POST /-/reload` where that is enabled. It takes the whole
or leaves everything as it was: then the mistakes are in the log, and `clientaccess_config_last_reload_successful` is 0.
What is the same as before is not touched: attempts under way, push channels, counters, tokens and devices go on. Files
of addresses, of certificates for TLS and of a proxy's password are a part of the configuration and are looked at, too.
`global.vantage`, `global.labels` and `storage` change only with a restart.

This page is made from the code; the JSON Schema beside the examples, `config/prober.schema.json`, says the same to
editors.
"""

RULES = """
## Rules over several sections

- `tls`, `network` and `proxy` may stand at `global`, at a target, at `token_service`, at `control`, at
  `service_health` and at an entry of `discovery.http`; what a section leaves open is taken from `global`, key by key,
  but a client certificate always together with its key, and a proxy always together with its `no_proxy`. `server_name`
  belongs to a target and is not inherited.
- `interval` is that of the client entry, else of `global`, else the client's own: 60 s for `imap4`, `activesync` and
  `m365_signin`. The control has its own, 60 s by default, and does not follow `global`.
- `timeout` may be longer than `interval`. An attempt that is still running when the next one is due is not
  interrupted; the slot is skipped and counted as missed.
- A client entry without `credential` has depth `reach`, one with a credential depth `mailbox`, which needs `mailbox` or
  `address_file` at the target. A client stands on a target once, entries of profiles counted.
- Every distinct way out (proxy, `no_proxy`, name servers, source address, family) gets a control of its own: `control`
  for the one that most targets take, then `control-2` and so on. Where `control` has a `proxy` or `network` of its own,
  that holds for all controls. Targets cannot have these names.
- The endpoint that hands out tokens of managed identities, `169.254.169.254`, is never asked through a proxy.
- A credential is shown to its `hosts` only, also after redirects and by links that a server gives; elsewhere the
  attempt ends with `credential_not_bound`, which counts against nobody. Without `hosts` it is bound to the hosts and
  ports of the endpoints of its targets, discovered ones left out, in Exchange Online also to those that the service
  itself names. A list must not leave out where a client signs in. Where your servers send clients on to others of
  yours, list them (`*.corp.example`).
- No connection is made to link-local addresses, to metadata services of clouds, to nobody's and to everybody's address
  (`forbidden_address`, by a name `dns_forbidden_address`), unless such an address is itself configured. Behind a proxy
  names are the proxy's affair.
- Names of endpoints, steps and options are those of the clients.
"""


def render() -> str:
    """Return the schema as published in `config/prober.schema.json`."""
    schema = Document.model_json_schema(by_alias=True)
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "Configuration of the client-access prober"
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def markdown() -> str:
    """Return `docs/configuration.md`."""
    schema = Document.model_json_schema(by_alias=True)
    parts = schema["$defs"]
    sections = "".join(_section(_title(name), part, parts) for name, part in _sections(schema))
    return HEAD + _section("Top level", schema, parts) + sections + _endpoints() + _credentials() + RULES


def described(value: Schema, parts: dict[str, Schema]) -> Schema:
    """Return a key's schema with a description: its own, or that of the section it refers to."""
    section = parts.get(_referred(value), {})
    return {"description": section.get("description", ""), **value}


def _sections(schema: Schema) -> Iterator[tuple[str, Schema]]:
    """Give every section once, in the order in which the document leads to them."""
    parts, seen, waiting = schema["$defs"], set[str](), [*_references(schema)]
    while waiting:
        name = waiting.pop(0)
        if name in seen or "properties" not in parts[name]:
            continue
        seen.add(name)
        yield name, parts[name]
        waiting += _references(parts[name])


def _references(part: Schema) -> Iterator[str]:
    for value in part["properties"].values():
        text = json.dumps(value)
        yield from (piece.partition('"')[0] for piece in text.split("#/$defs/")[1:])


def _section(title: str, part: Schema, parts: dict[str, Schema]) -> str:
    rows = [
        (f"`{key}`", _type(value, parts), _default(key, value, part), described(value, parts)["description"])
        for key, value in part["properties"].items()
    ]
    return f"\n## {title}\n\n{part.get('description', '')}\n" + _table(("key", "value", "default", "meaning"), rows)


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n" + "".join(f"| {' | '.join(' '.join(cell.split()) for cell in line)} |\n" for line in lines)


def _default(key: str, value: Schema, part: Schema) -> str:
    if key in part.get("required", ()):
        return "required"
    default = value.get("default")
    if default is None or default in ({}, [], "") or isinstance(default, dict):
        return ""
    if _is_duration(value):
        return f"{default:g} s"
    return f"`{json.dumps(default)}`"


def _is_duration(value: Schema) -> bool:
    return "ms|s" in value.get("pattern", "")


def _type(value: Schema, parts: dict[str, Schema]) -> str:
    """Say in a word or two what a value may be."""
    name = _referred(value)
    if name:
        return f"[{_title(name)}](#{_title(name).lower()})" if "properties" in parts[name] else _words(parts[name])
    if "anyOf" in value or "oneOf" in value:
        several = value.get("anyOf") or value["oneOf"]
        return " or ".join(_type(one, parts) for one in several if one.get("type") != "null")
    if value.get("type") == "array":
        return f"list of {_type(value['items'], parts)}"
    if value.get("type") == "object":
        inner = next(iter(value.get("patternProperties", {}).values()), value.get("additionalProperties"))
        return f"mapping to {_type(inner, parts)}" if isinstance(inner, dict) else "mapping"
    return _words(value)


def _words(value: Schema) -> str:
    if "enum" in value or "const" in value:
        return ", ".join(f"`{one}`" for one in value.get("enum", [value.get("const")]))
    if _is_duration(value):
        return "duration"
    return _WORDS.get(value.get("type", ""), "value")


_WORDS = {"string": "text", "boolean": "true or false", "integer": "whole number", "number": "number"}


def _referred(value: Schema) -> str:
    return str(value.get("$ref", "")).rpartition("/")[2]


def _title(name: str) -> str:
    return name.removesuffix("Section").removesuffix("Entry")


def _endpoints() -> str:
    rows = [
        (f"`{environment}`", f"`{name}`", f"`{url}`")
        for environment, urls in DEFAULTS.items()
        for name, url in urls.items()
    ]
    head = "\n## Default endpoints\n\n`{host}` is the target's `host`; without one there is no default.\n"
    return head + _table(("environment", "endpoint", "URL"), rows)


def _credentials() -> str:
    rows = [
        (f"`{one}`", "; ".join(" or ".join(f"`{key}`" for key in group) for group in NEEDS[one]), _also(one))
        for one in CredentialType
    ]
    head = "\n## Types of credential\n\n`expires_at` is good for all of them.\n"
    return head + _table(("type", "needs", "may also have"), rows)


def _also(one: CredentialType) -> str:
    needed = {key for group in NEEDS[one] for key in group}
    return ", ".join(f"`{key}`" for key in MAY[one] if key not in needed)
