"""Plugins made by a test: written to a folder and found there by their entry point, as installed ones are."""

import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from textwrap import dedent
from types import ModuleType

import pytest

Install = Callable[..., ModuleType | None]

HEAD = "from marketplace.api import *\nfrom flask import Blueprint\n"


def offer(folder: Path, name: str, module: str, package: str = "") -> None:
    """Write what pip would: the entry point by which the plugin is found."""
    info = folder / f"{package or name}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package or name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[marketplace.plugins]\n{name} = {module}\n")


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Give `install(name, code)`, which makes a plugin of one module; `install(name, module="…")` offers an existing one."""
    folder = tmp_path / "site-packages"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    written: list[str] = []

    def make(name: str, code: str = "", *, module: str = "", package: str = "") -> ModuleType | None:
        if not module:
            module = f"{package or name}_hooks"
            (folder / f"{module}.py").write_text(HEAD + dedent(code))
            written.append(module)
        offer(folder, name, module, package)
        return import_module(module) if module not in written else None

    yield make
    for module in written:
        sys.modules.pop(module, None)


@pytest.fixture
def sample(install: Install) -> Iterator[ModuleType]:
    """Install the plugin of `marketplace.testing.sample_plugin`; switch it on with `make_app(plugins=("sample",))`."""
    module = install("sample", module="marketplace.testing.sample_plugin")
    assert module is not None
    module.HEARD.clear()
    yield module
    module.HEARD.clear()
