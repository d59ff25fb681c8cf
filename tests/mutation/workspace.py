"""The copy of the tree that is mutated: the tree itself stays as it is, and a run that was stopped is gone on with."""

from __future__ import annotations

import configparser
import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.gates import tree

HOME = tree.ROOT / "build" / "mutation"
CHILDREN = 2


@dataclass(frozen=True)
class Package:
    """What is mutated, and the tests that are to notice it: fast ones, each of which runs without the others."""

    name: str
    tests: tuple[str, ...]

    @property
    def home(self) -> Path:
        """Give the folder of its copy."""
        return HOME / self.name


PACKAGES = {
    package.name: package
    for package in (
        Package("ledger", ("tests/core/test_ledger_[abcgp]*.py",)),
        Package(
            "payments",
            (
                "tests/core/test_payments_*.py", "tests/core/test_bill*.py", "tests/core/test_currencies.py",
                "tests/core/test_disputes*.py", "tests/core/test_dunning.py", "tests/core/test_fees.py",
                "tests/core/test_gateway_contract.py", "tests/core/test_holds.py", "tests/core/test_inbox*.py",
                "tests/core/test_offline*.py", "tests/core/test_pa[cy]*.py", "tests/core/test_re[fc]*.py",
                "tests/core/test_webhooks.py",
            ),
        ),
    )
}  # fmt: skip
SLOW = ("properties", "concurrency", "pages", "fuzz", "browser")
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
    """Name what is mutated and which tests are run, beside the settings that are the same for all (in setup.cfg)."""
    path = package.home / "setup.cfg"
    settings = configparser.ConfigParser(interpolation=None)
    settings.read(path, encoding="utf-8")
    found = {file for pattern in package.tests for file in package.home.glob(pattern)}
    tests = sorted(str(file.relative_to(package.home)) for file in found if not any(word in file.name for word in SLOW))
    settings["mutmut"]["only_mutate"] = f"\nmarketplace/{package.name}/*"
    settings["mutmut"]["pytest_add_cli_args_test_selection"] = "\n" + "\n".join(tests)
    with path.open("w", encoding="utf-8") as file:
        settings.write(file)


def results(package: Package) -> dict[str, int | None]:
    """Read what is known of each mutant: the exit code of the tests, None for one that was not tried."""
    found: dict[str, int | None] = {}
    for path in sorted((package.home / "mutants").rglob("*.py.meta")):
        found |= json.loads(path.read_text(encoding="utf-8")).get("exit_code_by_key", {})
    return found


def generate(package: Package) -> None:
    """Write the mutants and try none: their names are drawn from."""
    steps = "makedirs('mutants', exist_ok=True); copy_src_dir(); copy_also_copy_files(); setup_source_paths()"
    program = f"from mutmut.__main__ import *; {steps}; create_mutants({CHILDREN})"
    subprocess.run([sys.executable, "-c", program], cwd=package.home, check=True, stdout=subprocess.DEVNULL)
