"""The package as others install it: complete, and working outside the checkout."""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

from tests.gates import tree

FOLDERS = {"templates": "marketplace/templates", "migrations": "marketplace/migrations"}
"""Folders of the checkout whose place in the wheel is another (setup.cfg, package_dir)."""
PACKAGES = ("marketplace", "plugins", *FOLDERS)

OPEN_THE_HOME_PAGE = """
import sys, marketplace
from marketplace import create_app
assert marketplace.__file__.startswith(sys.prefix), marketplace.__file__
answer = create_app().test_client().get("/")
assert answer.status_code == 200, answer.get_data(as_text=True)
assert b"</html>" in answer.data
print("opened")
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from what git tracks, so that nothing lying about gets in; the build tool comes from the lock."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("dist")
    for path in tree.tracked_files():
        (source / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(tree.ROOT / path, source / path)
    build = f"from setuptools import build_meta; build_meta.build_wheel({str(out)!r})"
    done = subprocess.run([sys.executable, "-c", build], cwd=source, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return next(out.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel into a new virtual environment and return the environment's folder.

    The libraries are borrowed from this environment by a path file instead of being installed again: a path named there
    is searched, but the path files in it are not read, so the editable install of the checkout stays out of sight.
    """
    folder = tmp_path_factory.mktemp("elsewhere") / "venv"
    venv.create(folder, with_pip=False, symlinks=True)
    python = folder / "bin" / "python"
    install = [sys.executable, "-m", "pip", "--python", str(python), "install", "--no-index", "--no-deps", "--quiet"]
    done = subprocess.run([*install, str(wheel)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    libraries = Path(sysconfig.get_path("purelib", vars={"base": str(folder)}))
    (libraries / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder


def run(installed: Path, program: str, *arguments: str) -> str:
    """Run a program of the environment in an empty folder outside the checkout; returns its output."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MARKETPLACE_", "PYTHON"))}
    done = subprocess.run(
        [str(installed / "bin" / program), *arguments],
        cwd=installed.parent,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_wheel_holds_exactly_what_the_tree_holds(wheel: Path) -> None:
    expected = set()
    for path in tree.tracked_files():
        if path.parts[0] in PACKAGES:
            top = FOLDERS.get(path.parts[0], path.parts[0])
            expected.add(str(Path(top, *path.parts[1:])))
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert packed == expected, f"missing: {sorted(expected - packed)}; too much: {sorted(packed - expected)}"


def test_the_installed_command_explains_itself(installed: Path) -> None:
    shown = run(installed, "marketplace", "--help")
    for command in ("upgrade", "run", "demo", "plugin"):
        assert command in shown


def test_an_installed_marketplace_upgrades_its_database_and_opens_its_home_page(installed: Path) -> None:
    run(installed, "marketplace", "upgrade")
    assert (installed.parent / "instance" / "marketplace.db").exists()
    assert "opened" in run(installed, "python", "-c", OPEN_THE_HOME_PAGE)
