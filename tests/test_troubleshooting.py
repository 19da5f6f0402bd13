"""The pages: trouble is explained by codes that there are, and every page is found from the first one."""

import json
import re
from pathlib import Path

import pytest

from prober.clients import catalogue
from prober.faults import taxonomy
from prober.faults.taxonomy import Kind, Reason
from prober.observe.metrics import METRICS
from prober.observe.redact import SHOWN
from prober.vocabulary import Domain, Phase, Verdict
from tests.faults.test_taxonomy import kinds

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs/troubleshooting.md").read_text(encoding="utf-8")
SCHEMA = json.loads((ROOT / "config/prober.schema.json").read_text(encoding="utf-8"))
REASON_OF = {kind.code: kind.reason for _, kind in kinds()}
NAME = re.compile(r"`([a-z][a-z0-9]*(?:_[a-z0-9]+)*)`")
METRIC = re.compile(r"`(clientaccess_\w+)")
LINK = re.compile(r"\]\(([^)#\s]*)(#[^)\s]*)?\)")
OTHER_WORDS = frozenset(
    {
        *("because", "customer"),  # in an outcome's evidence, and as what one of it says
        *("http", "https", "imap", "imaps"),
        *("dig", "scrape_duration_seconds", "scrape_timeout"),
    }
)
"""What else is written like a name of ours."""


def sections() -> dict[str, str]:
    """Return the text below each heading of the third level, by heading."""
    parts = re.split(r"^### (.+)$", TEXT, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def explained(section: str) -> list[str]:
    """Return the codes in the first column of the section's table."""
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    return [code for row in rows for code in NAME.findall(row)]


def words() -> frozenset[str]:
    """Return every name that may stand in the page beside codes."""
    steps = {step.name for client in catalogue().values() for step in client.steps}
    keys = {key for part in (SCHEMA, *SCHEMA["$defs"].values()) for key in part.get("properties", {})}
    labels = {label for spec in METRICS for label in spec.labels}
    metrics = {spec.name for spec in METRICS}
    enums = {*map(str, (*Reason, *Verdict, *Phase, *Domain))}
    return frozenset({*steps, *keys, *labels, *metrics, *enums, *catalogue(), *SHOWN, *OTHER_WORDS})


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_a_section_and_only_codes_of_its_own(reason: Reason) -> None:
    codes = explained(sections()[reason])
    assert codes
    assert {code: REASON_OF.get(code) for code in codes} == dict.fromkeys(codes, reason)


def test_what_every_transport_can_meet_is_explained() -> None:
    shared = {one.code for one in vars(taxonomy).values() if isinstance(one, Kind)}
    assert sorted(shared - {code for section in sections().values() for code in explained(section)}) == []


def test_every_other_name_in_the_page_exists() -> None:
    """Of a code, a reason, a step, a phase, a key of the configuration, a metric, a part of the evidence."""
    known = words() | set(REASON_OF)
    assert sorted({one for one in NAME.findall(TEXT) if one not in known}) == []


def test_every_metric_named_exists() -> None:
    for page in ("troubleshooting.md", "security.md"):
        named = set(METRIC.findall((ROOT / "docs" / page).read_text(encoding="utf-8")))
        assert named
        assert sorted(named - {spec.name for spec in METRICS}) == []


@pytest.mark.parametrize("page", ["README.md", *sorted(f"docs/{one.name}" for one in (ROOT / "docs").glob("*.md"))])
def test_every_link_leads_somewhere(page: str) -> None:
    """To a file of the repository, and to a heading that it has."""
    file = ROOT / page
    lost = []
    for target, anchor in LINK.findall(file.read_text(encoding="utf-8")):
        if target.startswith(("http:", "https:")):
            continue
        there = file.parent / target if target else file
        if not there.exists() or (anchor and anchor[1:] not in anchors(there)):
            lost.append(f"{target}{anchor}")
    assert lost == []


def anchors(file: Path) -> set[str]:
    """Return the anchors of a page's headings: small letters, words joined by dashes, nothing else."""
    headings = re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in headings}


def test_the_readme_lists_every_page() -> None:
    """In its list of documentation, each once."""
    listed = (ROOT / "README.md").read_text(encoding="utf-8").partition("\n## Documentation\n")[2].partition("\n## ")[0]
    there = sorted(f"docs/{one.name}" for one in (ROOT / "docs").glob("*.md"))
    assert sorted(target for target, _ in LINK.findall(listed) if target.startswith("docs/")) == there
