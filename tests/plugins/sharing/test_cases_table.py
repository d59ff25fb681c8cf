"""The table of cases names a test for each, and each test that it names is there and runs on both databases."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

HERE = Path(__file__).parent
TABLE = HERE.parents[2] / "docs" / "plugins" / "cases.md"
ROW = re.compile(r"^\| (?P<case>[^|]+?) \| [^|]+ \| (?P<tests>`.+`) \|$", re.M)
TEST = re.compile(r"`(test_\w+\.py)::(test_\w+)`")
TARIFFS = ("Greenwheels", "Car2Go", "Quicar", "SnappCar", "Block tariff", "Sauna by the kWh")
BUYING = (
    "A price, in part rented off",
    "Kept for ever",
    "One gets it",
    "Promised to somebody else",
    "Held while it is paid",
    "Who has it keeps it",
    "Back before the hand-over",
    "A look before it is final",
    "Paid by hand",
    "Released with thanks",
)
CASES = (*(str(number) for number in range(1, 25)), *TARIFFS, *BUYING)


def rows() -> dict[str, list[tuple[str, str]]]:
    """Give the tests that the table names for each case."""
    return {row["case"]: TEST.findall(row["tests"]) for row in ROW.finditer(TABLE.read_text("utf-8"))}


@cache
def tree(name: str) -> ast.Module:
    """Read one of the files with tests."""
    return ast.parse((HERE / name).read_text("utf-8"))


def test_the_table_has_every_case_and_nothing_else() -> None:
    assert tuple(rows()) == CASES


@pytest.mark.parametrize("case", CASES)
def test_a_case_has_tests_and_they_exist(case: str) -> None:
    named = rows()[case]
    assert named
    for name, test in named:
        assert (HERE / name).exists(), name
        assert test in {node.name for node in tree(name).body if isinstance(node, ast.FunctionDef)}, (name, test)


@pytest.mark.parametrize("case", CASES)
def test_no_case_is_proven_on_one_database_only(case: str) -> None:
    for name, _test in rows()[case]:
        source = (HERE / name).read_text("utf-8")
        assert '"database", ["sqlite"]' not in source, name


def test_the_whole_ways_that_are_named_are_walked() -> None:
    told = re.findall(r"^\* `(test_\w+)`", TABLE.read_text("utf-8"), re.M)
    walked = ast.parse((HERE.parents[1] / "browser" / "journeys" / "test_sharing_journeys.py").read_text("utf-8"))
    names = [node.name for node in walked.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")]
    assert told == names
