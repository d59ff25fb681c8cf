"""Documentation that lies fails the build: links, commands and the hook reference are compared with the code."""

import ast
import inspect
import re
from pathlib import Path

import pytest
from click import Context
from flask import Flask

from marketplace.hooks.specs import FAMILIES, hook_names
from tests.gates import tree

LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)(?:\s+\"[^\"]*\")?\)")
FENCE = re.compile(r"(?ms)^[ \t]*(```|~~~).*?^[ \t]*\1[ \t]*$")
MAKE = re.compile(r"(?<![\w-])make ([a-z]+)(?![\w-])")
COMMAND = re.compile(
    r"(?:`|^|\$ )(?:\S*/)?(?:flask(?: --app marketplace)?|marketplace) ([a-z][a-z-]*)(?: ([a-z][a-z-]*))?", re.MULTILINE
)
MAKE_VERBS = {"sure", "it", "a", "the", "up", "sense", "use"}
"""English that looks like a target when it stands in running text; only code is looked at, so this is a second net."""


def documents() -> list[Path]:
    """Return every Markdown file of the project."""
    return [path for path in tree.tracked_files() if path.suffix == ".md" and "skeleton" not in path.parts]


def anchors(path: Path) -> set[str]:
    """Return the addresses of a document's headings, as code hosts make them."""
    text = FENCE.sub("", tree.source(path))
    found = set()
    for heading in re.findall(r"(?m)^#+ +(.*?)\s*#*$", text):
        plain = re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        found.add(re.sub(r"[^\w\- ]", "", plain).replace(" ", "-"))
    return found


def code(path: Path) -> str:
    """Return what stands in code spans and code blocks of a document."""
    text = tree.source(path)
    blocks = [match.group(0) for match in FENCE.finditer(text)]
    return "\n".join([*blocks, *(f"`{span}`" for span in re.findall(r"`([^`\n]+)`", FENCE.sub("", text)))])


def targets() -> set[str]:
    """Return the Makefile's targets."""
    return set(re.findall(r"(?m)^([a-z]+):", tree.source(Path("Makefile"))))


def test_every_relative_link_leads_somewhere() -> None:
    dead = []
    for path in documents():
        for target in LINK.findall(FENCE.sub("", tree.source(path))):
            if re.match(r"[a-z][a-z0-9+.-]*:", target):
                continue
            name, _, anchor = target.partition("#")
            place = (tree.ROOT / path.parent / name).resolve() if name else (tree.ROOT / path).resolve()
            if not place.exists():
                dead.append(f"{path}: {target}")
            elif anchor and place.suffix == ".md" and anchor not in anchors(place.relative_to(tree.ROOT)):
                dead.append(f"{path}: {target} (no such heading)")
    assert not dead, "\n".join(dead)


def test_every_make_command_in_the_documents_exists() -> None:
    unknown = [
        f"{path}: make {name}"
        for path in documents()
        for name in MAKE.findall(code(path))
        if name not in targets() | MAKE_VERBS
    ]
    assert not unknown, "\n".join(unknown)


def test_every_command_in_the_documents_exists(app_without_database: Flask) -> None:
    from flask.cli import FlaskGroup  # only to know Flask's own commands

    ours = app_without_database.cli
    context = Context(ours)
    known = {**FlaskGroup(create_app=lambda: app_without_database).commands}
    known |= {name: ours.get_command(context, name) for name in ours.list_commands(context)}
    unknown = []
    for path in documents():
        if "decisions" in path.parts:  # they also speak of what was tried and left
            continue
        for name, sub in COMMAND.findall(code(path)):
            command = known.get(name)
            if command is None:
                unknown.append(f"{path}: {name}")
            elif sub and (inner := getattr(command, "commands", None)) is not None and sub not in inner:
                unknown.append(f"{path}: {name} {sub}")
    assert not unknown, "\n".join(unknown)


@pytest.mark.parametrize(
    "hook", [(family, name) for family in FAMILIES for name in hook_names(family)], ids=lambda pair: pair[1]
)
def test_every_hook_has_a_heading_with_its_exact_signature(hook: tuple[type, str]) -> None:
    family, name = hook
    signature = inspect.signature(getattr(family, name))
    facts = [parameter.name for parameter in signature.parameters.values() if parameter.name != "self"]
    heading = f"### `{name}({', '.join(facts)})`"
    assert heading in tree.source(Path("docs/plugins/hooks.md")).split("\n"), f"missing: {heading}"


def test_hooks_that_no_longer_exist_are_not_documented() -> None:
    documented = re.findall(r"(?m)^### `(\w+)\(", tree.source(Path("docs/plugins/hooks.md")))
    assert set(documented) == {name for family in FAMILIES for name in hook_names(family)}


def test_the_readme_names_the_two_commands_exactly() -> None:
    readme = tree.source(Path("README.md"))
    commands = [line.strip() for block in FENCE.finditer(readme) for line in block.group(0).split("\n")]
    assert "make demo" in commands
    assert "make test" in commands
    assert {"demo", "test"} <= targets()


def test_every_document_is_reached_from_the_readme() -> None:
    seen: set[Path] = set()
    waiting = [Path("README.md")]
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        for target in LINK.findall(FENCE.sub("", tree.source(path))):
            place = (tree.ROOT / path.parent / target.partition("#")[0]).resolve()
            if place.is_dir():
                waiting += [other for other in documents() if (tree.ROOT / other).parent == place]
            elif place.suffix == ".md" and place.exists():
                waiting.append(place.relative_to(tree.ROOT))
    lonely = [str(path) for path in documents() if path not in seen]
    assert not lonely, lonely


def announced_changes() -> set[str]:
    """Return every change of a payment that some code announces; a variable instead of a text is a dispute's."""
    found = set()
    for path in tree.tracked_files():
        if path.suffix != ".py" or "marketplace" not in path.parts or "tests" in path.parts:
            continue
        for call in ast.walk(ast.parse(tree.source(path))):
            if isinstance(call, ast.Call) and call.args and ast.unparse(call.args[0]) == "'payment_changed'":
                values = [word.value for word in call.keywords if word.arg == "change"]
                texts = [node for value in values for node in ast.walk(value) if isinstance(node, ast.Constant)]
                found |= {str(text.value) for text in texts} or {"disputed", "dispute_won", "dispute_lost"}
    return found


def test_the_hook_reference_names_every_change_of_a_payment_that_is_announced() -> None:
    page = next(path for path in documents() if path.parts[-2:] == ("plugins", "hooks.md"))
    part = tree.source(page).partition("### `payment_changed")[2].partition("```")[0]
    cells = re.findall(r"(?m)^\| (`[^|]+) \|", part)
    assert set(re.findall(r"`(\w+)`", " ".join(cells))) - {"change"} == announced_changes()
