"""HTML of the page in small pieces: text that cannot be markup, symbols that do not need colour, times, intervals."""

import html
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from prober.detect.interval import wilson

SIGNS: Mapping[str, str] = MappingProxyType(
    {
        "ok": "✓",
        "slow": "◔",
        "failed": "✕",
        "throttled": "⏸",
        "excluded": "⊝",
        "inconclusive": "?",
        "retired": "⊘",
        "pending": "…",
        "healthy": "✓",
        "learning": "✓",
        "suspect": "◐",
        "failing": "✕",
        "recovering": "↗",
        "no data": "?",
        "open": "●",
        "closed": "✕",
        "not open yet": "…",
    }
)
"""A sign for each verdict and each state of the detector: none is told by its colour alone."""


def escaped(text: str) -> str:
    """Return text that is nothing else, also within quotes."""
    return html.escape(text, quote=True)


def signed(word: str, text: str = "") -> str:
    """Return a verdict or a state, with its sign, in its colour; `text` in place of the word itself."""
    colour = escaped(word.replace(" ", "-"))
    return f'<span class="v {colour}"><i aria-hidden=true>{SIGNS.get(word, "?")}</i>{escaped(text or word)}</span>'


def time(moment: str, *, short: bool = False) -> str:
    """Return an ISO time (UTC, as the page says elsewhere) for people and for programs; `short`: by the clock."""
    if not moment:
        return ""
    shown = moment[11:19] if short else moment[:16].replace("T", " ")
    return f'<time datetime="{escaped(moment)}">{escaped(shown)}</time>'


def section(name: str, title: str, body: str) -> str:
    """Return a part of the page under its own heading, nothing where there is no body. `name` is an id."""
    if not body:
        return ""
    return f'<section class=card aria-labelledby="h-{name}"><h2 id="h-{name}">{escaped(title)}</h2>\n{body}</section>\n'


def listing(lines: Iterable[str], kind: str = "") -> str:
    """Return HTML lines as a list, nothing where there are none."""
    items = "".join(f"<li>{line}</li>\n" for line in lines)
    return f'<ul class="{kind}">{items}</ul>\n' if items else ""


def table(caption: str, columns: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a small table; cells are HTML, the first of a row is its heading. Nothing where there is no row."""
    lines = "".join(_line(list(row)) for row in rows)
    if not lines:
        return ""
    head = "".join(f"<th scope=col>{escaped(one)}</th>" for one in columns)
    return (
        f'<div class=scroll tabindex=0 role=group aria-label="{escaped(caption)}"><table class=small>'
        f"<caption class=unseen>{escaped(caption)}</caption>"
        f"<thead><tr>{head}</tr></thead>\n<tbody>{lines}</tbody></table></div>\n"
    )


def _line(cells: list[str]) -> str:
    first, *rest = cells
    return f"<tr><th scope=row>{first}</th>" + "".join(f"<td>{cell}</td>" for cell in rest) + "</tr>\n"


def ratio(succeeded: int, counted: int) -> str:
    """Return the share of successes with the limits between which the true one lies in 95 % of cases (Wilson)."""
    if not counted:
        return "<span class=quiet>no attempt counted yet</span>"
    lower, upper = wilson(counted - succeeded, counted)
    middle, low, high = (share(one) for one in (succeeded / counted, 1.0 - upper, 1.0 - lower))
    return f"<b>{middle} %</b> <span class=limits>{low} to {high} %</span>"


def share(of_all: float) -> str:
    """Return a share in percent, to one place; nearly all is not all: 99.9."""
    return "100" if of_all == 1.0 else f"{min(100.0 * of_all, 99.9):.1f}"
