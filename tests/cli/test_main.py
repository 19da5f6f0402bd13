"""The command line as a whole: commands are found, help is quick, mistakes are short."""

import platform
import subprocess
import sys

import pytest
from click.testing import CliRunner

from prober import __version__
from prober.cli import main


def test_the_version_names_revision_and_python(monkeypatch: pytest.MonkeyPatch) -> None:
    """Version, revision where the build knows it, Python: one line."""
    monkeypatch.setenv("PROBER_REVISION", "abc1234")
    result = CliRunner().invoke(main, ["--version"])
    assert result.exit_code == 0
    assert result.output == f"prober {__version__} (revision abc1234, Python {platform.python_version()})\n"


def test_an_unknown_revision_is_said_to_be_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkout without a build has none."""
    monkeypatch.delenv("PROBER_REVISION", raising=False)
    assert "revision unknown" in CliRunner().invoke(main, ["--version"]).output


def test_every_command_file_is_a_command() -> None:
    """The file is the registration: help lists each with its first sentence."""
    result = CliRunner().invoke(main, ["--help"])
    assert result.exit_code == 0
    for command in ("check-config", "once", "run"):
        assert f"\n  {command} " in result.output


@pytest.mark.parametrize("arguments", [["fly"], ["run"], ["once", "--format", "yaml"], ["run", "--no-such"]])
def test_a_wrong_command_line_is_refused_with_code_2(arguments: list[str]) -> None:
    """click's own words, on standard error."""
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2
    assert "Error:" in result.stderr
    assert result.stdout == ""


def test_help_and_version_import_nothing_heavy() -> None:
    """Neither the network, nor the web server, nor the model library is loaded for a line of text."""
    code = (
        "import sys; from click.testing import CliRunner; from prober.cli import main;"
        "CliRunner().invoke(main, ['--help']); CliRunner().invoke(main, ['run', '--help']);"
        "print([name for name in ('httpx', 'uvicorn', 'starlette', 'pydantic', 'yaml', 'ssl') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_the_package_can_be_run() -> None:
    """`python -m prober` is the same program."""
    done = subprocess.run([sys.executable, "-m", "prober", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("prober ")
