"""A third party's plugin: made by the command, installed with pip from its own folder, its own tests green, no core change."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from flask.testing import FlaskCliRunner

from marketplace.hooks import making
from marketplace.hooks.discovery import PluginInvalid


@pytest.fixture(scope="module")
def toys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the plugin "toys" in a folder of its own and install it, without network, into the folder `site` beside it."""
    folder = tmp_path_factory.mktemp("third-party")
    made = making.make("toys", folder)
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    done = subprocess.run(
        [*install, "--disable-pip-version-check", "--target", str(folder / "site"), str(made)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def environ(folder: Path, **more: str) -> dict[str, str]:
    """Give the environment of a process that has the plugin installed."""
    return {
        **os.environ,
        "PYTHONPATH": str(folder / "site"),
        "MARKETPLACE_INSTANCE_DIR": str(folder / "instance"),
        **more,
    }


def test_its_own_tests_are_green_on_both_databases(toys: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-rA"],
        cwd=toys / "marketplace-toys", env=environ(toys), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    passed = re.findall(r"^PASSED tests/test_toys\.py::(\S+)", done.stdout, re.MULTILINE)
    assert {
        f"test_a_member_publishes_a_listing_and_everybody_sees_it[{name}]" for name in ("sqlite", "postgresql")
    } <= set(passed)
    assert len([name for name in passed if name.startswith("TestContract::")]) > 10
    assert "warning" not in done.stdout


def test_the_commands_know_it(toys: Path) -> None:
    def run(
        *arguments: str, plugins: str = "funding,toys", path: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        process = environ(toys, MARKETPLACE_PLUGINS=plugins)
        if path is not None:
            process["PYTHONPATH"] = path
        return subprocess.run(
            [sys.executable, "-m", "marketplace.cli", *arguments],
            cwd=toys, env=process, capture_output=True, text=True, check=False,
        )  # fmt: skip

    shown = run("upgrade")
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.split("\n")[:4] == [f"upgrading {name}" for name in ("core", "funding", "sharing", "toys")]
    assert re.search(r"toys +on +tables up to date +marketplace_toys\.hooks", run("plugin", "list").stdout)
    assert re.search(r"toys +off +tables up to date", run("plugin", "list", plugins="funding").stdout)
    # Uninstalled: nothing breaks, and the list says that its tables are still there.
    gone = run("upgrade", plugins="funding", path="")
    assert gone.returncode == 0, gone.stderr
    assert "toys" not in gone.stdout
    assert re.search(r"toys +gone +tables kept", run("plugin", "list", plugins="funding", path="").stdout)
    still_on = run("upgrade", path="")
    assert still_on.returncode == 1
    assert still_on.stderr.strip() == (
        "marketplace: MARKETPLACE_PLUGINS names 'toys', which is not installed (installed: funding, sharing)"
    )
    purged = run("plugin", "purge", "toys", "--confirm", "toys", plugins="funding", path="")
    assert "toys is purged" in purged.stdout, purged.stdout + purged.stderr
    assert "toys" not in run("plugin", "list", plugins="funding", path="").stdout


def test_the_new_plugin_is_in_the_projects_style(toys: Path) -> None:
    ruff = Path(sys.executable).with_name("ruff")
    done = subprocess.run(
        [ruff, "check", "--isolated", "--select", "E,F,W,I,B,UP,D1", "--line-length", "120", "marketplace_toys", "tests"],
        cwd=toys / "marketplace-toys", capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout


def test_the_command_says_what_to_do_next(runner: FlaskCliRunner, tmp_path: Path) -> None:
    shown = runner.invoke(args=["plugin", "new", "games", "--into", str(tmp_path)])
    assert shown.exit_code == 0, shown.output
    assert "add games to MARKETPLACE_PLUGINS" in shown.output
    assert (tmp_path / "marketplace-games" / "marketplace_games" / "templates" / "games" / "show.html").exists()
    again = runner.invoke(args=["plugin", "new", "games", "--into", str(tmp_path)])
    assert again.exit_code == 1
    assert "exists already" in again.output


@pytest.mark.parametrize("name", ["Toys", "toy_box", "../toys", "", "listing", "operator", "1toys"])
def test_a_name_that_cannot_work_is_refused_and_nothing_is_written(name: str, tmp_path: Path) -> None:
    with pytest.raises(PluginInvalid):
        making.make(name, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_no_placeholder_is_left_in_a_new_plugin(tmp_path: Path) -> None:
    files = [path for path in making.make("games", tmp_path).rglob("*") if path.is_file()]
    left = [path for path in files if "@@" in path.read_text() or "NAME" in path.name or path.suffix == ".tmpl"]
    assert len(files) > 9
    assert left == []
