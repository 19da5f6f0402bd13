"""The model's complaints in words for people, with the path as it stands in the file."""

from typing import Any

import pytest

from prober.settings.mistakes import Mistakes
from prober.settings.shape import keys_at, validate
from tests.settings.made import lines


def told(mistakes: Mistakes, value: Any) -> list[str]:
    assert validate(value, mistakes) is None
    return lines(mistakes)


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ({"globl": {}}, "globl: is not a known key; did you mean 'global'?"),
        ({"pacing": {"zzz": 1}}, "pacing.zzz: is not a known key; known here: rate, ceiling"),
        ({"control": {"urls": []}}, "control.urls: must not be empty"),
        ({"control": {}}, "control.urls: is required"),
        ({"global": {"proxy": "never"}}, "global.proxy: must be none, or a mapping with a url"),
        ({"global": {"proxy": {"url": 1}}}, "global.proxy.url: must be text; put quotes around it"),
        (
            {"global": {"proxy": {"url": "http://p", "usrname": ""}}},
            "global.proxy.usrname: is not a known key; did you mean 'username'?",
        ),
        ({"pacing": {"ceiling": 1.5}}, "pacing.ceiling: must be a whole number"),
        ({"pacing": {"rate": "fast"}}, "pacing.rate: must be a number"),
        ({"storage": {"path": ""}}, "storage.path: must not be empty"),
        ({"credentials": {"u": {"type": "basik"}}}, "credentials.u.type: must be 'basic', "),
        ({"credentials": {"a b": {"type": "basic"}}}, 'credentials["a b"]: must be 1 to 64 letters'),
        ({"profiles": {"p": [{"client": "c", "push": 1}]}}, "profiles.p[0].push: must be true or false"),
        ({"profiles": {"p": [{"client": "c", "push": {"hold": "1"}}]}}, "profiles.p[0].push.hold: must be a duration"),
    ],
)
def test_each_complaint_has_its_place_and_its_words(mistakes: Mistakes, value: Any, line: str) -> None:
    """Some values may be a word or a section: what pydantic says of that choice is not part of the path."""
    found = told(mistakes, value)
    assert found[0].startswith(line)
    assert len(found) == 1


@pytest.mark.parametrize("key", ["password", "client_secret"])
def test_a_secret_in_clear_is_sent_to_its_place_and_not_repeated(mistakes: Mistakes, key: str) -> None:
    found = told(mistakes, {"credentials": {"u": {"type": "basic", key: "hunter2"}}})
    assert found == [f"credentials.u.{key}: secrets do not stand in the configuration: use {key}_file or {key}_env"]


def test_the_proxy_has_no_secret_in_clear_either(mistakes: Mistakes) -> None:
    found = told(mistakes, {"global": {"proxy": {"url": "http://p", "password": "hunter2"}}})
    assert found == [
        "global.proxy.password: secrets do not stand in the configuration: use password_file or password_env"
    ]


def test_known_keys_are_found_through_lists_mappings_and_choices() -> None:
    assert keys_at(("targets", 0, "tls"))[0] == "ca_file"
    assert keys_at(("profiles", "p", 0, "push")) == ["hold", "life", "marker"]
    assert keys_at(("targets", 0, "proxy"))[0] == "url"
    assert "type" in keys_at(("credentials", "any"))
    assert "global" in keys_at(())
    assert keys_at(("nothing", "here")) == []


def test_a_good_document_is_returned(mistakes: Mistakes) -> None:
    document = validate({"global": {"vantage": "fra1"}}, mistakes)
    assert document is not None
    assert document.global_.vantage == "fra1"
    assert not mistakes
