"""What may not stand in the repository: traces of one person's machine, and secrets."""

import re

import pytest

from tests.gates import tree

# Written so that this file does not match itself.
MACHINES = {
    "a path of one workplace": r"/wor[k]/(main|shared|\.)|/tmp/tea[m]\b|\.librar[y]/|/opt/(wheel[s]|pyp[i])",
    "somebody's home folder": r"(/roo[t]|/home/[a-z]+|/User[s]/[a-z]+)/",
    "tools of one workplace": r"DEVELOPER[S]\.md|before-sto[p]",
}
SECRETS = {
    "a live Stripe key": r"\b[srp]k_liv[e]_[0-9A-Za-z]{8,}",
    "a private key": r"-----BEGI[N] [A-Z ]*PRIVATE KEY-----",
}
LEFT_OVER = {"a merge that nobody finished": r"^(<<<<<<[<] |>>>>>>[>] )"}
BINARY = {".woff2", ".png", ".jpg", ".jpeg", ".webp", ".ico", ".gif", ".mo", ".br", ".gz", ".pdf"}


@pytest.mark.parametrize(("what", "pattern"), [*MACHINES.items(), *SECRETS.items(), *LEFT_OVER.items()])
def test_no_file_holds(what: str, pattern: str) -> None:
    wrong = re.compile(pattern)
    found = []
    for path in tree.tracked_files():
        if path.suffix in BINARY:
            continue
        found += [
            f"{path}:{number}" for number, line in enumerate(tree.source(path).split("\n"), 1) if wrong.search(line)
        ]
    assert not found, f"{what}: {found}"


def test_every_text_file_is_utf_8_and_ends_with_a_line_break() -> None:
    found = []
    for path in tree.tracked_files():
        if path.suffix in BINARY or "vendor" in path.parts:
            continue
        text = tree.source(path)
        if text and (not text.endswith("\n") or "\r" in text):
            found.append(str(path))
    assert not found


def test_the_lock_names_no_index_and_every_package_has_hashes() -> None:
    for name in ("requirements.lock", "requirements-test.lock", "requirements-mutation.lock"):
        lock = (tree.ROOT / name).read_text(encoding="utf-8")
        assert not re.search(r"https?://|file:|--(extra-)?index|--find-links", lock), name
        entries = re.split(r"\n(?=[a-z0-9])", lock)
        pinned = [entry for entry in entries if "==" in entry.split("\n")[0]]
        assert pinned, name
        assert all("--hash=sha256:" in entry for entry in pinned), name


def test_the_locks_agree_and_cover_the_package_description() -> None:
    def versions(name: str) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for package, version in re.findall(r"^([a-z0-9-]+)==([^ ;\\]+)", (tree.ROOT / name).read_text(), re.MULTILINE):
            found.setdefault(package, set()).add(version)
        return found

    run, test = versions("requirements.lock"), versions("requirements-test.lock")
    assert {name: test.get(name) for name in run} == run
    mutation = versions("requirements-mutation.lock")
    assert {name: mutation.get(name) for name in test} == test
    description = tree.source(tree.ROOT / "setup.cfg")
    wanted = set(re.findall(r"^    ([a-z0-9-]+)(?:\[\w+\])?>=", description, re.MULTILINE))
    assert wanted - mutation.keys() == set(), "run `make lock`"
