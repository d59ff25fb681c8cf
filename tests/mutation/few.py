"""Runs mutmut with few tests for each mutant: of the files that import its module, and the most special ones of each other.

A function that every payment passes, or that a recurring job runs wherever jobs are run, is reached by hundreds of tests; a
mutant of it that survives would cost all of them. With some of each file alone, those first that reach the fewest functions,
the count of what is noticed is a lower bound. Run as a script in a package's copy:
`few.py MOST CHILDREN NAME...`; it imports nothing of the tree, so that mutmut decides from where that comes.
"""

from __future__ import annotations

import ast
import sys
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import mutmut.__main__ as mutmut  # type: ignore[import-not-found,unused-ignore]
from mutmut.state import state  # type: ignore[import-not-found,unused-ignore]


@cache
def imported(file: str) -> frozenset[str]:
    """Give the names of what a file of tests imports, and of the modules that it comes from."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(Path(file).read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            found |= {*(node.module or "").split("."), *(name.name for name in node.names)}
    return frozenset(found)


def is_about(test: str, function: str) -> bool:
    """Tell whether the file of a test imports the module that a function is of: `sweep` for `payments.sweep.x__refunds`."""
    module = function.partition(".x")[0].rpartition(".")[2]
    return module in imported(test.partition("::")[0])


def chosen(tests_by_function: dict[str, Any], most: int) -> dict[str, list[str]]:
    """Give each function's most telling tests, at most so many, in that order.

    Those whose file imports its module come first, then the most special one of each other file, the second of each, and so on.
    """
    reach = Counter(test for tests in tests_by_function.values() for test in tests)
    found = {}
    for function, tests in tests_by_function.items():
        places: dict[str, int] = {}
        turns: Counter[str] = Counter()
        for test in sorted(tests, key=lambda test: (reach[test], test)):
            file = test.partition("::")[0]
            places[test] = 0 if is_about(test, function) else turns[file] + 1
            turns[file] += 1
        found[function] = sorted(places, key=lambda test: (places[test], reach[test], test))[:most]
    return found


def main(most: int, children: int, names: list[str]) -> None:
    """Run mutmut as usual, only that it forgets the other tests once it has found out which there are.

    Before the first mutant it has tests run on the code as it is: the first one of each function is enough, because all of
    them passed when it found out.
    """
    collect = mutmut.collect_or_load_stats

    def collected(*given: Any, **named: Any) -> None:
        collect(*given, **named)
        found = state().tests_by_mangled_function_name
        found.update(chosen(found, most))

    def firsts(names: list[str]) -> set[str]:
        found = state().tests_by_mangled_function_name
        functions = {mutmut.mangled_name_from_mutant_name(name) for name in names} or set(found)
        return {found[function][0] for function in functions if found.get(function)}

    mutmut.tests_for_mutant_names = firsts
    mutmut.collect_or_load_stats = collected
    mutmut._run(names, children)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
