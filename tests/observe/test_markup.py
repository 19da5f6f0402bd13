"""Small pieces of HTML."""

from prober.detect.group import State
from prober.observe.markup import SIGNS, escaped, listing, ratio, section, signed, table, time
from prober.vocabulary import Verdict


def test_text_stays_text_also_within_quotes() -> None:
    assert escaped('<a href="x">') == "&lt;a href=&quot;x&quot;&gt;"


def test_every_verdict_and_state_has_a_sign_of_its_own_colour() -> None:
    """And the word itself, for who sees neither."""
    for word in (*(one.value for one in Verdict), *(one.name.lower().replace("_", " ") for one in State)):
        assert word in SIGNS
        assert f"</i>{word}</span>" in signed(word)
    assert signed("no data").startswith('<span class="v no-data">')
    assert signed("failed", "2 <b>").endswith("</i>2 &lt;b&gt;</span>")


def test_verdicts_that_differ_have_signs_that_differ() -> None:
    signs = [SIGNS[one.value] for one in Verdict]
    assert len(set(signs)) == len(signs)


def test_a_time_is_for_people_and_programs() -> None:
    at = "2026-11-23T12:00:05+00:00"
    assert time(at, short=True) == f'<time datetime="{at}">12:00:05</time>'
    assert ">2026-11-23 12:00</time>" in time(at)
    assert time("") == ""


def test_what_is_empty_is_left_out() -> None:
    assert (section("a", "A", ""), listing([]), table("T", ["a"], [])) == ("", "", "")
    assert '<h2 id="h-a">A &amp; B</h2>' in section("a", "A & B", "<p>x</p>")
    assert "<tr><th scope=row>one</th><td>two</td></tr>" in table("T", ["a", "b"], [["one", "two"]])


def test_a_share_has_the_limits_of_what_may_be_true() -> None:
    """Wilson's, at 95 %: 90 of 100 may be 82.6 to 94.5 %."""
    assert ratio(90, 100) == "<b>90.0 %</b> <span class=limits>82.6 to 94.5 %</span>"
    assert ratio(5, 5) == "<b>100 %</b> <span class=limits>56.6 to 100 %</span>"
    assert ratio(99_999, 100_000).startswith("<b>99.9 %</b>")
    assert "no attempt" in ratio(0, 0)
