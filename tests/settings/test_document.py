import pytest
from pydantic import ValidationError

from prober.settings.document import Document, Push


def test_an_empty_document_has_its_defaults() -> None:
    document = Document.model_validate({})
    assert document.global_.timeout == 60.0
    assert document.global_.vantage == "default"
    assert document.targets == []


def test_nothing_is_converted_in_silence() -> None:
    for wrong in ({"global": {"vantage": 1}}, {"pacing": {"ceiling": "20"}}, {"pacing": {"ceiling": 1.5}}):
        with pytest.raises(ValidationError):
            Document.model_validate(wrong)


def test_push_is_a_switch_or_a_section() -> None:
    entries = Document.model_validate(
        {"profiles": {"p": [{"client": "imap4", "push": True}, {"client": "imap4", "push": {"hold": "9m"}}]}}
    ).profiles["p"]
    assert [entry.push for entry in entries] == [True, Push(hold="9m")]  # type: ignore[arg-type]  # as written in YAML


def test_a_label_of_our_own_cannot_be_taken() -> None:
    with pytest.raises(ValidationError, match="prober's own"):
        Document.model_validate({"global": {"labels": ["vantage"]}})
