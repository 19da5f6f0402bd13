"""The JSON Schema of the configuration and its description for people, both made from the document model."""

import json
from collections.abc import Iterator
from typing import Any

from prober.settings.document import Document


def render() -> str:
    """Return the schema as published in `config/prober.schema.json`."""
    schema = Document.model_json_schema(by_alias=True)
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "Configuration of the client-access prober"
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


HEAD = """# Configuration, key by key

One YAML file, several, or a directory of `*.yml`: lists of targets and mappings of credentials and profiles are taken
together. Unknown keys are mistakes. Durations have a unit (`500ms`, `30s`, `2m`, `1h30m`, `7d`). Secrets never stand in
the configuration: every secret has a `…_file` and, where useful, a `…_env` key, and is read anew when it is needed.
Relative file names are relative to the file that names them. `prober check-config F` reads a configuration as
`prober run` would and prints one line per mistake.

This page is made from the code; the JSON Schema beside the examples, `config/prober.schema.json`, says the same to
editors.
"""


def markdown() -> str:
    """Return `docs/configuration.md`."""
    schema = Document.model_json_schema(by_alias=True)
    return HEAD + "".join(_section(name, part, schema["$defs"]) for name, part in _parts(schema))


def _parts(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    yield "Top level", schema
    yield from ((name, part) for name, part in schema["$defs"].items() if "properties" in part)


def _section(name: str, part: dict[str, Any], parts: dict[str, Any]) -> str:
    rows = "".join(
        _row(key, described(value, parts), key in part.get("required", ())) for key, value in part["properties"].items()
    )
    head = "| key | value | default | meaning |\n| --- | --- | --- | --- |\n"
    return f"\n## {name}\n\n{part.get('description', '')}\n\n{head}{rows}"


def described(value: dict[str, Any], parts: dict[str, Any]) -> dict[str, Any]:
    """Return a key's schema with a description: its own, or that of the section it refers to."""
    section = parts.get(value.get("$ref", "").rpartition("/")[2], {})
    return {"description": section.get("description", ""), **value}


def _row(key: str, value: dict[str, Any], required: bool) -> str:  # noqa: FBT001 - private, and named at its only call
    default = "required" if required else _default(value.get("default"))
    return f"| `{key}` | {_type(value)} | {default} | {value.get('description', '').replace(chr(10), ' ')} |\n"


def _default(value: object) -> str:
    if value is None or value == {} or value == [] or value == "" or isinstance(value, dict):
        return ""
    return f"{value:g} s" if isinstance(value, float) and value >= 30 else f"`{json.dumps(value)}`"


def _type(value: dict[str, Any]) -> str:
    """Say in a word or two what a value may be."""
    if "$ref" in value:
        return f"[{value['$ref'].rpartition('/')[2]}](#{value['$ref'].rpartition('/')[2].lower()})"
    if "anyOf" in value:
        return " or ".join(_type(one) for one in value["anyOf"] if one.get("type") != "null")
    if "enum" in value or "const" in value:
        return ", ".join(f"`{one}`" for one in value.get("enum", [value.get("const")]))
    if value.get("type") == "array":
        return f"list of {_type(value['items'])}"
    if value.get("type") == "object":
        inner = value.get("additionalProperties")
        return f"mapping to {_type(inner)}" if isinstance(inner, dict) else "mapping"
    if "pattern" in value and "ms|s" in value["pattern"]:
        return "duration"
    return _WORDS.get(value.get("type", ""), "value")


_WORDS = {"string": "text", "boolean": "true or false", "integer": "whole number", "number": "number"}
