"""Who may import whom (the contracts are in setup.cfg), and a proof that each contract notices a breach."""

import configparser
import shutil
import subprocess
import sys
from pathlib import Path

import grimp
import pytest

from tests.gates import tree

BREACHES = {
    "core": ("marketplace/clock.py", "import plugins.funding.models"),
    "api": ("plugins/funding/machine.py", "import marketplace.database"),
    "plugins": ("plugins/funding/machine.py", "import plugins.other.things"),
    "ledger": ("marketplace/clock.py", "import marketplace.ledger.service"),
    "strangers": ("marketplace/clock.py", "import marketplace.sandbox.ids"),
}
"""For each contract a file and an import in it that the contract must refuse."""


def contracts() -> dict[str, dict[str, str]]:
    """Return the contracts of setup.cfg by their short names."""
    settings = configparser.ConfigParser()
    settings.read(tree.ROOT / "setup.cfg")
    prefix = "importlinter:contract:"
    return {name.removeprefix(prefix): dict(settings[name]) for name in settings.sections() if name.startswith(prefix)}


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """Check the contracts on the tree in `folder`."""
    program = Path(sys.executable).with_name("lint-imports")
    return subprocess.run([program, "--no-cache"], cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a copy of the code with a second plugin in it."""
    folder = tmp_path_factory.mktemp("copy")
    for name in ("marketplace", "plugins"):
        shutil.copytree(tree.ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "static"))
    shutil.copy(tree.ROOT / "setup.cfg", folder)
    other = folder / "plugins" / "other"
    other.mkdir()
    (other / "__init__.py").touch()
    (other / "things.py").write_text("import marketplace.api\n")
    return folder


def test_every_contract_holds_and_every_contract_has_its_proof() -> None:
    outcome = lint(tree.ROOT)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    assert contracts().keys() == BREACHES.keys()


@pytest.mark.parametrize("name", BREACHES)
def test_a_contract_notices_a_breach(name: str, copy: Path) -> None:
    path, breach = BREACHES[name]
    file = copy / path
    before = file.read_text()
    try:
        file.write_text(f"{before}\n{breach}\n")
        outcome = lint(copy)
    finally:
        file.write_text(before)
    assert outcome.returncode == 1, outcome.stdout + outcome.stderr
    assert f"{contracts()[name]['name']} BROKEN" in outcome.stdout


def test_the_payment_sandbox_is_a_stranger_and_knows_nothing_of_the_marketplace() -> None:
    graph = grimp.build_graph("marketplace", cache_dir=None)
    own = {"marketplace.sandbox", *graph.find_descendants("marketplace.sandbox")}
    known = {other for module in own for other in graph.find_modules_directly_imported_by(module)} - own
    # The version is a constant that anyone may show.
    assert known <= {"marketplace.version"}
    assert len(own) > 10
