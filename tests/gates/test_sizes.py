"""Size budgets: what no longer fits on a few screens is split, or named here with its reason."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.gates import tree

FILE, TEST_FILE, FUNCTION, TEMPLATE = 300, 500, 40, 120

EXCEPTIONS: dict[str, str] = {}
"""What may be longer and why: "path" for a file or template, "path::function" for a function."""

FORBIDDEN_NAMES = {"utils.py", "helpers.py", "common.py", "misc.py"}


def lines(text: str) -> int:
    """Count the lines of a text."""
    return text.count("\n") + (not text.endswith("\n"))


def is_test(path: Path) -> bool:
    """Tell whether the larger budget of tests applies."""
    return path.parts[0] == "tests"


def long_files() -> Iterator[tuple[str, int, int]]:
    """Name each Python file and template over its budget, with its length and the budget."""
    for path in tree.tracked_files():
        if path.suffix == ".py":
            budget = TEST_FILE if is_test(path) else FILE
        elif path.suffix in (".html", ".txt") and "templates" in path.parts:
            budget = TEMPLATE
        else:
            continue
        if (found := lines(tree.source(path))) > budget:
            yield str(path), found, budget


def long_functions() -> Iterator[tuple[str, int, int]]:
    """Name each function over its budget, tests' own too; not in migrations, which are lists of columns, read in order."""
    for path in tree.python_files():
        if path.parts[-3:-1] == ("migrations", "versions"):
            continue
        for node in ast.walk(tree.parsed(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                found = (node.end_lineno or node.lineno) - node.lineno + 1
                if found > FUNCTION:
                    yield f"{path}::{node.name}", found, FUNCTION


@cache
def over_budget() -> dict[str, tuple[int, int]]:
    """Return everything over its budget."""
    return {name: (found, budget) for name, found, budget in (*long_files(), *long_functions())}


def test_files_functions_and_templates_keep_to_their_budgets() -> None:
    found = [
        f"{name}: {size} lines, {most} allowed"
        for name, (size, most) in over_budget().items()
        if name not in EXCEPTIONS
    ]
    assert not found, "\n".join(found)


def test_every_exception_is_still_needed_and_says_why() -> None:
    needless = EXCEPTIONS.keys() - over_budget().keys()
    assert not needless, f"no longer over the budget, take them off the list: {sorted(needless)}"
    assert all(len(reason.split()) > 3 for reason in EXCEPTIONS.values())


def test_no_file_is_a_drawer_for_everything() -> None:
    assert not [str(path) for path in tree.python_files() if path.name in FORBIDDEN_NAMES]


@pytest.mark.parametrize("marker", ["TO" + "DO", "FIX" + "ME", "X" + "XX", "NotImplemented" + "Error"])
def test_nothing_is_left_half_done(marker: str) -> None:
    kinds = {".py", ".html", ".js", ".css", ".sh", ".md", ".cfg", ".toml"}
    found = [str(path) for path in tree.tracked_files() if path.suffix in kinds and marker in tree.source(path)]
    assert not found, f"{marker} in {found}"
