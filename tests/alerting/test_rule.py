"""Annotations: one text for Prometheus and for what its tests expect."""

import pytest

from prober.alerting.rule import Alert, fires, no_data, quiet, series

RULE = Alert(
    "Down",
    "up == 0",
    "ticket",
    "network",
    "{client} is down ({cause})",
    "{share} since Monday",
    labels={"cause": "rain"},
    shown={"share": "{{ $value | humanizePercentage }}"},
)


def test_a_place_is_a_label_of_the_series_or_of_the_rule_or_a_template() -> None:
    """A rule's own labels are not among `$labels`, so they are written out."""
    assert RULE.templates() == {
        "summary": "{{ $labels.client }} is down (rain)",
        "description": "{{ $value | humanizePercentage }} since Monday",
    }


def test_the_same_text_is_what_a_test_expects() -> None:
    shown = RULE.rendered({"client": "imap4"}, {"share": "5%"})
    assert shown == {"summary": "imap4 is down (rain)", "description": "5% since Monday"}


def test_what_a_test_does_not_say_cannot_be_expected() -> None:
    with pytest.raises(KeyError, match="share"):
        RULE.rendered({"client": "imap4"}, {})


def test_labels_always_name_severity_and_owner() -> None:
    assert RULE.all_labels == {"severity": "ticket", "owner": "network", "cause": "rain"}


def test_series_are_written_as_in_promql_without_empty_labels() -> None:
    assert series("up", job="a", instance="") == 'up{job="a"}'


def test_expectations_name_the_alert() -> None:
    assert fires("1m", RULE, {"client": "owa"}).firing[0].labels == {"client": "owa"}
    assert quiet("1m", RULE).firing == ()
    assert [check.name for check in no_data([RULE, RULE]).checks if hasattr(check, "name")] == ["Down"]
