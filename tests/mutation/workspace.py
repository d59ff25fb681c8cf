"""The copy of the tree that is mutated: the tree itself stays as it is, and a run that was stopped is gone on with."""

from __future__ import annotations

import ast
import configparser
import difflib
import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeGuard

from tests.gates import tree

HOME = tree.ROOT / "build" / "mutation"
TESTS = "tests/core"
CHILDREN = 2


@dataclass(frozen=True)
class Package:
    """What is mutated, and the tests that are to notice it: fast ones, each of which runs without the others."""

    name: str
    tests: tuple[str, ...]
    left_out: tuple[str, ...] = ()
    """Files whose code runs when it is imported, before a mutant is in force, or runs on PostgreSQL alone."""

    @property
    def home(self) -> Path:
        """Give the folder of its copy."""
        return HOME / self.name


PACKAGES = {
    package.name: package
    for package in (
        Package("ledger", ("test_ledger_*.py",), ("models.py", "protect.py")),
        Package(
            "payments",
            (
                "test_payments_*.py", "test_account_closing.py", "test_bill*.py",
                "test_costs.py", "test_currencies.py", "test_disputes*.py", "test_dunning.py",
                "test_fee*.py", "test_gateway_*.py", "test_holds.py",
                "test_inbox*.py", "test_late.py", "test_offline*.py", "test_operator_disputes.py",
                "test_pa[cy]*.py", "test_re[fc]*.py", "test_same_card.py", "test_selftest*.py", "test_shared_*.py",
                "test_webhooks*.py",
            ),
        ),
    )
}  # fmt: skip
SLOW = ("properties", "concurrency", "ledger_pages", "fuzz", "browser", "mutants", "bench")
"""Words in the names of tests that are left out: they take long for what they notice."""


def synchronised(package: Package) -> Path:
    """Bring a package's copy of the tree up to date, with the settings of its run, and give its folder."""
    kept = {str(path) for path in tree.tracked_files()}
    for name in kept:
        source, target = tree.ROOT / name, package.home / name
        if not target.exists() or target.read_bytes() != source.read_bytes():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
    _configure(package)
    return package.home


def _configure(package: Package) -> None:
    """Name what is mutated, beside the settings that are the same for all (in setup.cfg).

    Which tests are run is told by `selected`: mutmut begins anew whenever its settings change, as they would with every new
    file of tests.
    """
    path = package.home / "setup.cfg"
    settings = configparser.ConfigParser(interpolation=None)
    settings.read(path, encoding="utf-8")
    settings["mutmut"]["only_mutate"] = f"\nmarketplace/{package.name}/*"
    if package.left_out:
        left_out = (f"*/{package.name}/{file}" for file in package.left_out)
        settings["mutmut"]["do_not_mutate"] = "\n" + "\n".join(left_out)
    settings["mutmut"]["pytest_add_cli_args_test_selection"] = f"\n{TESTS}"
    with path.open("w", encoding="utf-8") as file:
        settings.write(file)


def selected(package: Package) -> list[str]:
    """Give the names of the files whose tests are run."""
    found = {file.name for pattern in package.tests for file in (package.home / TESTS).glob(pattern)}
    return sorted(name for name in found if not any(word in name for word in SLOW))


def results(package: Package) -> dict[str, int | None]:
    """Read what is known of each mutant: the exit code of the tests, None for one that was not tried."""
    found: dict[str, int | None] = {}
    for path in sorted((package.home / "mutants").rglob("*.py.meta")):
        found |= json.loads(path.read_text(encoding="utf-8")).get("exit_code_by_key", {})
    return found


def forget(package: Package, codes: frozenset[int | None]) -> None:
    """Have the mutants with these exit codes tried again, since there may be new tests."""
    for path in (package.home / "mutants").rglob("*.py.meta"):
        known = json.loads(path.read_text(encoding="utf-8"))
        codes_by_name = known.get("exit_code_by_key", {})
        known["exit_code_by_key"] = {name: None if code in codes else code for name, code in codes_by_name.items()}
        path.write_text(json.dumps(known, indent=4), encoding="utf-8")


def change(package: Package, name: str) -> list[str]:
    """Give the lines by which a mutant differs from the function that it is of."""
    module, _dot, function = name.rpartition(".")
    path = package.home / "mutants" / (module.replace(".", "/") + ".py")
    wanted = (function.rpartition("__mutmut_")[0] + "__mutmut_orig", function)
    texts = {
        node.name: ast.unparse(node).splitlines()[1:] for node in ast.walk(_parsed(path)) if _is_one_of(node, wanted)
    }
    lines = difflib.unified_diff(texts[wanted[0]], texts[wanted[1]], lineterm="", n=0)
    return [line for line in lines if line[:1] in "+-" and line[:3] not in ("+++", "---")]


@cache
def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _is_one_of(node: ast.AST, names: tuple[str, str]) -> TypeGuard[ast.FunctionDef]:
    return isinstance(node, ast.FunctionDef) and node.name in names


def generate(package: Package) -> None:
    """Write the mutants and try none: their names are drawn from."""
    steps = "makedirs('mutants', exist_ok=True); copy_src_dir(); copy_also_copy_files(); setup_source_paths()"
    program = f"from mutmut.__main__ import *; {steps}; create_mutants({CHILDREN})"
    subprocess.run([sys.executable, "-c", program], cwd=package.home, check=True, stdout=subprocess.DEVNULL)
