"""The status page as it is served: complete without its script, which only keeps it up to date and opens details.

Rule of this file: every part that can change has an id and `data-live`; the script compares such parts with those of
the page asked for again, and takes over those that differ.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from prober import __version__
from prober.observe.assets import Assets, mark
from prober.observe.markup import escaped, ratio, signed, time
from prober.observe.status import Row
from prober.vocabulary import Verdict

NOT_WELL = (*(one.value for one in Verdict if one not in (Verdict.OK, Verdict.SLOW)), "pending")


@dataclass(frozen=True, slots=True)
class Part:
    """A part that somebody adds: name, HTML, and where it stands: at the `head`, `above` or `below` the table."""

    name: str
    html: str
    place: str = "below"


@dataclass(frozen=True, slots=True)
class Page:
    """All that the page shows. `states`: how the detector finds each client. `build`: what is running, in words."""

    rows: Sequence[Row]
    parts: Sequence[Part] = ()
    states: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    vantage: str = ""
    build: str = ""


def render(page: Page, assets: Assets) -> str:
    """Return the whole page."""
    return PAGE.format(
        style=assets.address("page.css"),
        script=assets.address("page.js"),
        mark=assets.address("mark.svg"),
        vantage=f" from {escaped(page.vantage)}" if page.vantage else "",
        shape=mark(repr([(row.client, row.target) for row in page.rows]).encode()),
        head=_parts(page, "head"),
        above=_parts(page, "above"),
        table=_table(page),
        below=_parts(page, "below"),
        version=escaped(f"{__version__} {page.build}".strip()),
    )


def _parts(page: Page, place: str) -> str:
    return "".join(
        f'<div id="p-{escaped(one.name)}" data-live>{one.html}</div>\n' for one in page.parts if one.place == place
    )


def _table(page: Page) -> str:
    """Return the table: clients in the order of the configuration, each with all its targets."""
    if not page.rows:
        return ""
    clients: dict[str, list[tuple[int, Row]]] = {}
    for index, row in enumerate(page.rows):
        clients.setdefault(row.client, []).append((index, row))
    return TABLE.format(bodies="".join(_client(page, client, found) for client, found in clients.items()))


def _client(page: Page, client: str, rows: Sequence[tuple[int, Row]]) -> str:
    first, state = rows[0][1], page.states.get(client, "")
    name, chip, about = escaped(client), signed(state) if state else "", escaped(first.summary)
    of_all = [row for _, row in rows]
    rate = f'<div id="c-{name}-ratio" data-live>{_ratio(of_all)}</div>'
    lines = "".join(_row(index, row) for index, row in rows)
    return (
        f'<tbody role=rowgroup data-of="{name}"><tr role=row class=client><th role=rowheader scope=rowgroup>'
        f'<h3 id="h-{name}">{escaped(first.title or client)}</h3><div class=about>'
        f'<span id="s-{name}" data-live>{chip}</span><small title="{about}">{about}</small></div></th>'
        f"<td role=cell class=day></td><td role=cell class=ratio>{rate}<div class=ratio24></div></td>"
        f'<td role=cell class=last colspan=2><div id="c-{name}-last" data-live>{_all_last(of_all)}</div></td></tr>\n'
        f"{lines}</tbody>\n"
    )


def _all_last(rows: Sequence[Row]) -> str:
    """Return how the last attempts of a client went: first those that did not go well."""
    verdicts = Counter(row.verdict for row in rows)
    well = verdicts["ok"] + verdicts["slow"]
    others = [signed(word, f"{verdicts[word]} {word}") for word in NOT_WELL if verdicts[word]]
    return " ".join([*others, *([signed("ok", f"{well} of {len(rows)} well")] if well else [])])


def _row(index: int, row: Row) -> str:
    where = " · ".join(part for part in (row.region, row.depth) if part)
    cells = "".join(
        f'<td role=cell class={kind}>{beside}<div id="r{index}-{kind}" data-live>{inner}</div></td>'
        for kind, inner, beside in (
            ("ratio", _ratio([row]), "<div class=ratio24></div>"),
            ("last", _last(row), _more(row)),
            ("when", _when(row), ""),
        )
    )
    return (
        f'<tr role=row class=pair data-client="{escaped(row.client)}" data-target="{escaped(row.target)}">'
        f"<th role=rowheader scope=row>{escaped(row.target)} <small>{escaped(where)}</small></th>"
        f"<td role=cell class=day></td>{cells}</tr>\n"
    )


def _more(row: Row) -> str:
    """Return what opens the failures of a row; the page's script shows it where there are any."""
    label = escaped(f"Failures of {row.title or row.client} on {row.target}")
    return f'<button type=button class=more aria-label="{label}">Failures</button>'


def _ratio(rows: Sequence[Row]) -> str:
    succeeded, counted = sum(row.ok + row.slow for row in rows), sum(row.counted for row in rows)
    title = f"{succeeded} of {counted} attempts that count, since the prober began"
    return f'<span title="{title}">{ratio(succeeded, counted)}</span>'


def _last(row: Row) -> str:
    why = " · ".join(part for part in (row.reason, row.code, row.step and f"at {row.step}") if part)
    blame = f" <span class=blame>{escaped(row.blame)}</span>" if row.blame else ""
    said = f'<span class=why title="{escaped(row.because)}">{escaped(why)}{blame}</span>' if why else ""
    return f'<span data-bad="{row.attempts - row.ok - row.slow}">{signed(row.verdict)}</span>{said}'


def _when(row: Row) -> str:
    took = "" if row.duration is None else f" <small>{row.duration:.2f} s</small>"
    return f"{time(row.ended_at, short=True)}{took}"


def described(names: Iterable[tuple[str, str]]) -> str:
    """Return what is running: revision and interpreter, as far as they are known."""
    return ", ".join(_described(names))


def _described(names: Iterable[tuple[str, str]]) -> Iterator[str]:
    for name, value in names:
        if value and value != "unknown":
            yield f"{name} {value}"


TABLE = """<div id=pairs>
<button type=button id=unfold hidden>Show all targets</button>
<table role=table class=clients>
<caption class=unseen>Each client on each target: the last 24 hours, the share of successes, the last attempt</caption>
<thead role=rowgroup><tr role=row><th role=columnheader scope=col>client and target</th>
<th role=columnheader scope=col>last 24 hours</th>
<th role=columnheader scope=col>succeeded <small>95 % limits</small></th>
<th role=columnheader scope=col>last attempt</th>
<th role=columnheader scope=col>began (UTC), took</th></tr></thead>
{bodies}</table>
<p class="quiet unscripted">The strips of the last 24 hours and the waterfalls need the page's script.</p>
</div>
"""

PAGE = """<!doctype html>
<html lang=en>
<head>
<meta charset=utf-8>
<meta name=viewport content="width=device-width, initial-scale=1">
<meta name=color-scheme content="light dark">
<title>Client-access prober</title>
<link rel=icon href="{mark}">
<link rel=stylesheet href="{style}">
<script type=module src="{script}"></script>
</head>
<body>
<a class=skip href="#main">Skip to the state of things</a>
<header>
<h1>Client access<small>{vantage}</small></h1>
<p id=live class=live hidden></p>
</header>
<p id=said class=unseen role=status aria-live=polite></p>
<main id=main data-shape="{shape}">
{head}<div class=above>
{above}</div>
<h2 class=unseen>Clients and targets</h2>
{table}<div class=below>
{below}</div>
</main>
<footer>
<p>Version {version} · <a href="metrics">metrics</a> · <a href="api/v1/status">status data</a> ·
<a href="-/healthy">healthy</a> · <a href="-/ready">ready</a></p>
</footer>
<dialog id=dialog aria-labelledby=dialog-title>
<form method=dialog><h2 id=dialog-title>Failures</h2><button id=dialog-close>Close</button></form>
<div id=dialog-body></div>
</dialog>
</body>
</html>
"""
