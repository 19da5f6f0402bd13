"""Every module has its own test: `prober/net/dns.py` has `tests/net/test_dns.py`."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "prober"
MODULES = sorted(
    path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py") if path.name not in ("__init__.py", "__main__.py")
)


def partner(module: Path) -> Path:
    """Return where the test of a module belongs."""
    return ROOT / "tests" / module.parent / f"test_{module.name}"


def count_tests(path: Path) -> int:
    """Return how many tests a file holds."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return sum(function.name.startswith("test_") for function in functions)


def test_there_are_modules() -> None:
    """Or this file would prove nothing."""
    assert Path("verdict.py") in MODULES
    assert Path("net/route.py") in MODULES


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_every_module_has_its_test(module: Path) -> None:
    """A file of tests in the mirrored place."""
    path = partner(module)
    assert path.exists(), f"{module} has no {path.relative_to(ROOT)}"
    assert count_tests(path) > 0
