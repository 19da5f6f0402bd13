"""`prober rules`: files for Prometheus from a number, an interval or a configuration."""

from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from prober.cli import main

CONFIGURATION = """\
targets:
  - name: hq
    environment: exchange_server
    endpoints: {imap4: "imaps://mail.corp.example:993", owa: "https://mail.corp.example/owa/"}
    clients: [{client: imap4, interval: 30s}, {client: owa, interval: 5m}]
"""


def rules(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["rules", *arguments])


def burn_windows(text: str) -> set[str]:
    groups = yaml.safe_load(text)["groups"]
    return {
        rule["labels"]["window"]
        for group in groups
        for rule in group["rules"]
        if rule.get("alert") == "ClientAccessErrorBudgetBurn"
    }


def test_without_a_folder_the_rules_go_to_standard_output() -> None:
    """As one rule file, for an attempt a minute and 99.9 %, without what is optional."""
    result = rules()
    assert (result.exit_code, result.stderr) == (0, "")
    names = [group["name"] for group in yaml.safe_load(result.stdout)["groups"]]
    assert names[0] == "clientaccess-availability"
    assert len(names) == len(set(names))
    assert burn_windows(result.stdout) == {"1h", "6h", "1d", "3d"}


def test_a_folder_gets_rules_and_their_tests(tmp_path: Path) -> None:
    result = rules("--output", str(tmp_path / "new"), "--slo", "99", "--runbook-url", "https://wiki.example/a")
    assert (result.exit_code, result.output) == (0, "")
    made = {path.relative_to(tmp_path / "new").as_posix() for path in (tmp_path / "new").rglob("*.yml")}
    assert {"rules/burn.yml", "rules/detector.yml", "tests/burn.test.yml", "tests/detector.test.yml"} <= made
    text = (tmp_path / "new/rules/burn.yml").read_text()
    assert "> 0.144" in text
    assert "https://wiki.example/a#clientaccesserrorbudgetburn" in text


def test_the_intervals_of_a_configuration_count_unless_one_is_given(tmp_path: Path) -> None:
    """Each client gets windows of its own interval."""
    file = tmp_path / "prober.yml"
    file.write_text(CONFIGURATION)
    assert burn_windows(rules("--config.file", str(file)).stdout) == {"1h", "5h", "6h", "1d", "3d"}
    assert 'client="imap4",target="hq"' in rules("--config.file", str(file)).stdout
    assert burn_windows(rules("--config.file", str(file), "--interval", "15m").stdout) == {"15h", "1d", "3d"}


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--slo", "100"), "percentage"),
        (("--slo", "nan"), "percentage"),
        (("--slo", "high"), "not a valid float"),
        (("--interval", "60"), "must be a duration with its unit"),
        (("--config.file", "missing.yml"), "missing.yml"),
    ],
)
def test_a_mistake_is_exit_code_two(arguments: tuple[str, ...], complaint: str) -> None:
    result = rules(*arguments)
    assert result.exit_code == 2
    assert complaint in result.stderr


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "rules").write_text("a file where a folder should be")
    result = rules("--output", str(tmp_path))
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1
