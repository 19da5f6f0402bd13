"""`check-config`: silence about nothing, one line per mistake, each file on its own."""

from pathlib import Path

from click.testing import CliRunner, Result

from prober.cli import main

GOOD = """\
targets:
  - name: hq
    environment: exchange_server
    endpoints: {imap4: "imaps://mail.corp.example:993"}
    clients: [{client: imap4}]
control:
  urls: ["https://www.corp.example/"]
"""
BAD = GOOD.replace("name: hq", "nane: hq").replace("control:", "kontrol:")


def check(*files: Path) -> Result:
    return CliRunner().invoke(main, ["check-config", *map(str, files)])


def written(folder: Path, name: str, text: str) -> Path:
    file = folder / name
    file.write_text(text)
    return file


def test_a_good_file_is_said_to_be_so(tmp_path: Path) -> None:
    """Exit 0, one line on standard output that names file and size."""
    file = written(tmp_path, "good.yml", GOOD)
    result = check(file)
    assert (result.exit_code, result.stdout, result.stderr) == (0, f"{file}: ok, 2 assignments\n", "")


def test_every_mistake_is_a_line_with_its_place(tmp_path: Path) -> None:
    """Exit 2; each line begins with file, line and column."""
    file = written(tmp_path, "bad.yml", BAD)
    result = check(file)
    assert result.exit_code == 2
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert len(lines) >= 2
    assert any(line.startswith(f"{file}:2:") and "nane" in line for line in lines)
    assert any(line.startswith(f"{file}:6:1: kontrol: ") for line in lines)


def test_several_files_are_several_configurations(tmp_path: Path) -> None:
    """The same target in two files is no clash; a mistake in one does not hide that the other is good."""
    good, again, bad = (
        written(tmp_path, name, text) for name, text in (("a.yml", GOOD), ("b.yml", GOOD), ("c.yml", BAD))
    )
    assert check(good, again).exit_code == 0
    result = check(bad, good)
    assert result.exit_code == 2
    assert result.stdout == f"{good}: ok, 2 assignments\n"
    assert str(bad) in result.stderr


def test_a_file_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    """No traceback."""
    result = check(tmp_path / "missing.yml")
    assert result.exit_code == 2
    assert result.stderr.startswith(f"{tmp_path / 'missing.yml'}:")
    assert len(result.stderr.splitlines()) == 1


PLANNED = """\
targets:
  - {name: one, environment: exchange_online, region: eu, clients: [{client: owa}, {client: imap4, interval: 30s}]}
  - {name: two, environment: exchange_online, region: na, clients: [{client: imap4, interval: 30s}]}
"""


def test_a_plan_says_what_it_costs_and_what_it_finds(tmp_path: Path) -> None:
    """Requests by hand: 13 commands every 30 s and 9 requests every 120 s; what goes beyond a budget is marked."""
    file = written(tmp_path, "plan.yml", PLANNED)
    result = CliRunner().invoke(main, ["check-config", "--plan", str(file)])
    assert (result.exit_code, result.stderr) == (0, "")
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert f"{file}: ok, 3 assignments" in lines
    assert "imap4 one 30 s 37,440" in lines
    assert "all 81,360" in lines
    assert "transactions per client and minute 2 1 200% !!" in lines
    assert any(line.startswith("exchange_online/imap4 ") and line.endswith(" min") for line in lines)
    (series,) = (line for line in lines if line.startswith("series: "))
    assert int(series.removeprefix("series: ").replace(",", "")) > 400


def test_a_plan_of_a_bad_file_is_its_mistakes(tmp_path: Path) -> None:
    """Exit 2, as without."""
    file = written(tmp_path, "bad.yml", BAD)
    result = CliRunner().invoke(main, ["check-config", "--plan", str(file)])
    assert (result.exit_code, result.stdout) == (2, "")
