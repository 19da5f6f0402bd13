"""What is published says what the code does."""

import json
import re
from pathlib import Path

import jsonschema
import pytest
import yaml

from prober.settings import schema

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "config/prober.schema.json").read_text())


def test_the_published_schema_is_current() -> None:
    assert (ROOT / "config/prober.schema.json").read_text() == schema.render()


def test_the_page_about_the_configuration_is_current() -> None:
    assert (ROOT / "docs/configuration.md").read_text() == schema.markdown()


@pytest.mark.parametrize("file", sorted((ROOT / "config").glob("*.yml")), ids=lambda file: file.stem)
def test_every_example_fits_the_schema(file: Path) -> None:
    document = yaml.load(file.read_text(), Loader=yaml.BaseLoader)
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    errors = [error.message for error in jsonschema.Draft202012Validator(SCHEMA).iter_errors(_plain(document))]
    assert errors == []


def _plain(value: object) -> object:
    """Give numbers and truth values their types, and leave times as text, as an editor's YAML 1.2 schema does."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return {"true": True, "false": False}.get(str(value), int(str(value)) if str(value).isdigit() else value)


def test_a_misspelt_key_does_not_fit_the_schema() -> None:
    validator = jsonschema.Draft202012Validator(SCHEMA)
    assert not validator.is_valid({"globl": {}})
    assert not validator.is_valid({"global": {"interval": 60}})
    assert validator.is_valid({"global": {"interval": "60s"}})


def test_every_key_says_what_it_is_for() -> None:
    parts = [SCHEMA, *SCHEMA["$defs"].values()]
    bare = [
        key
        for part in parts
        for key, value in part.get("properties", {}).items()
        if not schema.described(value, SCHEMA["$defs"])["description"]
    ]
    assert bare == []


def test_every_key_of_the_schema_stands_in_the_page() -> None:
    """Read from what is published, so that the makers of the two cannot leave one out together."""
    parts = re.split(r"^## (.+)$", (ROOT / "docs/configuration.md").read_text(), flags=re.MULTILINE)
    described = {
        title: set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE))
        for title, text in zip(parts[1::2], parts[2::2], strict=True)
    }
    wanted = {"Top level": set(SCHEMA["properties"])}
    for name, part in SCHEMA["$defs"].items():
        wanted[name.removesuffix("Section").removesuffix("Entry")] = set(part.get("properties", ()))
    assert sum(map(len, wanted.values())) > 100
    assert [(title, key) for title, keys in wanted.items() for key in keys - described.get(title, set())] == []
