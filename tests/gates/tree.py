"""The files that the gates look at: what git tracks, or would track, in this checkout."""

import ast
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@cache
def tracked_files() -> tuple[Path, ...]:
    """Return the paths, relative to the checkout, of every file that git tracks or does not ignore."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return tuple(path for name in sorted(listed.split("\0")) if name and (ROOT / (path := Path(name))).is_file())


def python_files() -> list[Path]:
    """Return every Python file of the checkout."""
    return [path for path in tracked_files() if path.suffix == ".py"]


@cache
def source(path: Path) -> str:
    """Return a file's text; `path` is relative to the checkout."""
    return (ROOT / path).read_text(encoding="utf-8")


@cache
def parsed(path: Path) -> ast.Module:
    """Return a Python file's syntax tree."""
    return ast.parse(source(path), str(path))
