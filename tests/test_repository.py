"""What holds for the repository as a whole: locked requirements, portable files, the targets that people rely on."""

import ast
import re
import subprocess
import sys
import tomllib
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
LOCKS = ("requirements.lock", "requirements-dev.lock")
TARGETS = ("demo", "venv", "test", "servers", "check", "bench", "lock", "image")
PARTS_OF = {"pydantic_core": "pydantic"}  # documented as its interface, and pinned by it
REGISTRY_HOST = re.compile(
    r"\b(pypi|pythonhosted|npmjs|yarnpkg|debian|ubuntu|docker|quay|ghcr|gcr)\.(org|com|io|net)\b"
)
MACHINE_PATH = re.compile(r"(?<![\w.$}])/(root|home|work|Users)/")


@cache
def project() -> dict[str, object]:
    """Return the `[project]` table."""
    table: dict[str, object] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return table


@cache
def files() -> list[Path]:
    """Return every file of ours: known to git, or about to be."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, check=True, capture_output=True, cwd=ROOT).stdout.decode()
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def declared(*extras: str) -> list[Requirement]:
    """Return the direct requirements, with those of some extras."""
    table = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    listed = [*table["dependencies"], *(line for extra in extras for line in table["optional-dependencies"][extra])]
    return [Requirement(line) for line in listed]


def pins(lock: str) -> dict[str, str]:
    """Return version by canonical name."""
    found = re.findall(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)", (ROOT / lock).read_text(), re.MULTILINE)
    return {canonicalize_name(name): version for name, version in found}


def lines_with(pattern: re.Pattern[str]) -> list[str]:
    """Return `file:line` of every match in a text file."""
    return [
        f"{path.relative_to(ROOT)}:{number}"
        for path in files()
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1)
        if pattern.search(line)
    ]


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_hashes_and_nothing_else_is_in_a_lock(lock: str) -> None:
    """No address, no option, no version range: pip takes what was locked, from wherever it is told to."""
    text = re.sub(r"\\\n\s*", "", (ROOT / lock).read_text())
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    assert len(lines) > 20
    pin = re.compile(r"[A-Za-z0-9._-]+==[A-Za-z0-9.+!]+ (--hash=sha256:[0-9a-f]{64} ?)+")
    assert [line for line in lines if not pin.fullmatch(line)] == []


@pytest.mark.parametrize(
    ("lock", "extras"), [("requirements.lock", ["speed"]), ("requirements-dev.lock", ["speed", "dev"])]
)
def test_locks_satisfy_what_is_declared(lock: str, extras: list[str]) -> None:
    """A requirement that was added or raised must be locked again."""
    pinned = pins(lock)
    for requirement in declared(*extras):
        version = pinned.get(canonicalize_name(requirement.name))
        assert version is not None, f"{requirement.name} is not in {lock}: make lock"
        assert version in requirement.specifier, f"{requirement} but {version} in {lock}: make lock"


def test_development_runs_on_the_versions_that_are_shipped() -> None:
    """What is locked for run time is locked alike for development."""
    development = pins("requirements-dev.lock")
    assert {name: development.get(name) for name in pins("requirements.lock")} == pins("requirements.lock")


def test_everything_imported_is_declared() -> None:
    """A library that merely comes along with another one may go with it."""
    names = {canonicalize_name(requirement.name) for requirement in declared("speed")}
    distributions = packages_distributions()
    for module in third_party():
        owners = {canonicalize_name(owner) for owner in distributions.get(PARTS_OF.get(module, module), [module])}
        assert owners & names, f"{module} is imported, but none of {sorted(owners)} is declared"


def third_party() -> set[str]:
    """Return the top-level modules the package imports from elsewhere."""
    found: set[str] = set()
    for path in (ROOT / "prober").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module.partition(".")[0])
    return found - sys.stdlib_module_names - {"prober"}


def test_no_file_names_a_package_registry() -> None:
    """Where packages come from is the business of the machine."""
    assert lines_with(REGISTRY_HOST) == []


def test_no_file_holds_a_path_of_somebodys_machine() -> None:
    """The repository works wherever it is cloned."""
    assert lines_with(MACHINE_PATH) == []


def test_those_patterns_find_what_they_should() -> None:
    """Split, so that this file does not hold what it forbids."""
    for host in ("pypi" + ".org", "files.pythonhosted" + ".org", "deb.debian" + ".org", "registry.npmjs" + ".org"):
        assert REGISTRY_HOST.search(f"https://{host}/simple")
    for path in ("/" + "root/x", "'/" + "home/somebody/x'", "=/" + "work/main"):
        assert MACHINE_PATH.search(path)
    assert not MACHINE_PATH.search("https://portal.example/home/index.html")


def test_the_makefile_has_every_target_people_rely_on() -> None:
    """Those of the outer contract, none of them mistaken for a file."""
    text = (ROOT / "Makefile").read_text()
    phony = re.findall(r"^\.PHONY: (.*)$", text, re.MULTILINE)
    for target in TARGETS:
        assert re.search(rf"^{target}:", text, re.MULTILINE), f"no target {target}"
        assert target in " ".join(phony).split()


def test_ci_installs_servers_then_checks_then_tests() -> None:
    """In this order, each stopping at the first failure."""
    lines = [line for line in (ROOT / ".ci" / "run").read_text().splitlines() if line and not line.startswith("#")]
    assert lines[0] == "set -euo pipefail"
    assert [line for line in lines if "make" in line] == ["make servers", "make check", "CI=true make test"]
