"""Stripe's official command line, a judge that we did not write: found, or fetched once into a cache outside the tree.

`python -m tests.sandbox.official_cli` fetches it; `make test` does that before the tests (`scripts/stripe_cli.sh`). The
program is a binary inside an npm package, so npm is needed to fetch it and nothing of Node to run it; with `--wants-npm` the
exit code is 0 when it has to be fetched.
"""

import base64
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

VERSION = "1.52.0"
PACKAGE = f"@stripe/cli-linux-x64@{VERSION}"
INTEGRITY = "sha512-q5x2AIP0ZSujN7iJNIdSPerRfQ/08OTWw9ukhCyxvlo2JAfu6xf8cIGhyDv6vZsQuoh4cn3c2tNJ0J+oY+Z37Q=="
VARIABLE = "MARKETPLACE_STRIPE_CLI"


class CliMissing(RuntimeError):
    """The program is not there; the message says what to do."""


def program() -> Path:
    """Return the program: the one that the environment names, else the one in the cache. Raises CliMissing."""
    named = os.environ.get(VARIABLE)
    place = Path(named) if named else cached()
    if not place.is_file():
        raise CliMissing(f"Stripe's command line is not at {place}; `make test` fetches it.")
    return place


def cached() -> Path:
    """Return where the program is kept; a new version has a new place."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "shareconomy" / f"stripe-cli-{VERSION}" / "stripe"


def published() -> bool:
    """Tell whether the package that we know is for this machine."""
    return (platform.system(), platform.machine()) == ("Linux", "x86_64")


def wants_npm() -> bool:
    """Tell whether the program still has to be fetched, and can be."""
    return not os.environ.get(VARIABLE) and not cached().is_file() and published()


def fetch() -> Path:
    """Download the program unless it is there, check it against its hash, and return it. Raises CliMissing."""
    if os.environ.get(VARIABLE) or cached().is_file():
        return program()
    if not published():
        raise CliMissing(
            f"The tests fetch Stripe's command line only for Linux on x86_64, not for {platform.system()} on"
            f" {platform.machine()}. Install version {VERSION} yourself and name it: {VARIABLE}=/path/to/stripe make test"
        )
    npm = shutil.which("npm")
    if npm is None:
        raise CliMissing(f"npm, which fetches Stripe's command line, was not found. Install it, or set {VARIABLE}.")
    with tempfile.TemporaryDirectory() as place:
        command = [npm, "pack", PACKAGE, "--silent", "--pack-destination", place]
        packed = subprocess.run(command, capture_output=True, text=True, check=False)
        if packed.returncode:
            raise CliMissing(f"npm could not fetch {PACKAGE}: {packed.stderr.strip()[-400:]}")
        (archive,) = Path(place).glob("*.tgz")
        check(archive)
        cached().parent.mkdir(parents=True, exist_ok=True)
        # Moved into place under another name first, so that two runs at once do not see half a program.
        half = cached().with_name(f"stripe.{os.getpid()}")
        with tarfile.open(archive) as files, half.open("wb") as kept:
            packed_program = files.extractfile("package/bin/stripe")
            if packed_program is None:
                raise CliMissing(f"{archive.name} has no program in it")
            shutil.copyfileobj(packed_program, kept)
        half.chmod(0o755)
        half.replace(cached())
    return cached()


def check(archive: Path) -> None:
    """Raise CliMissing unless a file is what was published under VERSION."""
    digest = "sha512-" + base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if digest != INTEGRITY:
        raise CliMissing(f"{archive.name} is not what was published as {PACKAGE}: {digest}")


if __name__ == "__main__":
    if sys.argv[1:] == ["--wants-npm"]:
        sys.exit(not wants_npm())
    try:
        fetch()
    except CliMissing as error:
        sys.exit(str(error))
