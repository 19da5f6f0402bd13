"""Holds a document to its model, and says what pydantic found in words for people.

Rule of this file: no message repeats a value, which may be a secret at the wrong place; only keys and known words.
"""

import types
from collections.abc import Mapping
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from prober.settings.document import FORMS, PATTERNS, Document
from prober.settings.mistakes import Guesses, Mistakes
from prober.settings.source import Location, Value

M = TypeVar("M", bound=BaseModel)

SECRETS = frozenset({"password", "client_secret"})
WANTED = {
    "string_type": "must be text; put quotes around it",
    "bool_type": "must be true or false",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "int_parsing": "must be a whole number",
    "float_parsing": "must be a number",
    "list_type": "must be a list",
    "dict_type": "must be a mapping",
    "model_type": "must be a mapping of keys",
    "missing": "is required",
    "string_too_short": "must not be empty",
}


def validate(value: Mapping[str, Value], mistakes: Mistakes) -> Document | None:
    """Return the document, or `None` after taking down what is wrong with its shape."""
    return validated(Document, value, mistakes)


def validated(model: type[M], value: Mapping[str, Value], mistakes: Mistakes) -> M | None:
    """Return `value` as `model`, or `None` after taking down what is wrong with its shape."""
    try:
        return model.model_validate(value)
    except ValidationError as exc:
        for error in exc.errors(include_url=False):
            path = _path(error["loc"], error["type"])
            mistakes.add(path, message(error, path, mistakes.guesses, model))
        return None


def _path(loc: Location, kind: str) -> Location:
    """Drop what pydantic adds to a location: the form of a value that has several, and that a key was meant."""
    inner = tuple(part for part in loc[:-1] if part not in FORMS)
    return inner if kind != "extra_forbidden" and loc[-1] in FORMS else (*inner, loc[-1])


def message(error: ErrorDetails, path: Location, guesses: Guesses, model: type[BaseModel] = Document) -> str:
    """Return one line about `error` at `path` of a `model`."""
    kind, context = error["type"], error.get("ctx", {})
    if kind == "extra_forbidden":
        return _unknown(str(path[-1]), path[:-1], guesses, model)
    if kind == "value_error":
        return str(context["error"])
    if kind == "string_pattern_mismatch":
        return f"must be {PATTERNS[context['pattern']]}"
    if kind in ("enum", "literal_error"):
        return _one_of(error["input"], str(context["expected"]), guesses)
    if kind in ("too_short", "too_long"):
        return _length(context)
    return WANTED.get(kind) or in_our_words(error["msg"])


def in_our_words(text: str) -> str:
    """Return one of pydantic's own messages in our tone."""
    return text.removeprefix("Value error, ").replace("Input should be", "must be").replace(" a valid ", " a ")


def _length(context: Mapping[str, Any]) -> str:
    if "max_length" in context:
        return f"must have at most {context['max_length']} entries"
    return "must not be empty"


def _one_of(given: object, expected: str, guesses: Guesses) -> str:
    words = expected.replace("'", "").replace(" or ", ", ").split(", ")
    if words == ["none"]:
        return "must be none, or a mapping with a url"
    near = guesses.near(str(given), words)
    return f"must be {expected}" + (f"; did you mean {near!r}?" if near else "")


def _unknown(key: str, section: Location, guesses: Guesses, model: type[BaseModel]) -> str:
    if key in SECRETS:
        return f"secrets do not stand in the configuration: use {key}_file or {key}_env"
    known = keys_at(section, model)
    near = guesses.near(key, known)
    return "is not a known key" + (f"; did you mean {near!r}?" if near else f"; known here: {', '.join(known)}")


def keys_at(path: Location, model: type[BaseModel] = Document) -> list[str]:
    """Return the keys that the section at `path` of a `model` may have."""
    there: list[Any] = [model]
    for part in path:
        there = [inner for outer in there for inner in _inside(outer, part)]
    return [alias for model in there if _is_model(model) for alias in _fields(model)]


def _inside(kind: Any, part: str | int) -> list[Any]:
    """Return what may stand at `part` of a value of `kind`."""
    if _is_model(kind):
        found = _fields(kind).get(str(part))
        return _kinds(found) if found is not None else []
    return _kinds(get_args(kind)[-1]) if get_origin(kind) in (list, dict) else []


def _kinds(annotation: Any) -> list[Any]:
    """Return the alternatives of a union, or the one kind there is, without what annotates it."""
    if get_origin(annotation) is Annotated:
        return _kinds(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        return [kind for one in get_args(annotation) for kind in _kinds(one)]
    return [annotation]


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _fields(model: Any) -> dict[str, Any]:
    return {field.alias or name: field.annotation for name, field in model.model_fields.items()}
