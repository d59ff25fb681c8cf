"""The tests themselves: each asserts something, none is switched off."""

import ast

from tests.gates import tree

ASSERTING = ("assert", "expect", "check", "raises", "warns", "verify")
SWITCHED_OFF = {"skip", "skipif", "xfail", "importorskip"}


def asserts(node: ast.AST) -> bool:
    """Tell whether a test asserts: by `assert`, by pytest.raises, or by a function or method named after asserting."""
    for part in ast.walk(node):
        if isinstance(part, ast.Assert):
            return True
        name = ""
        if isinstance(part, ast.Call):
            name = part.func.attr if isinstance(part.func, ast.Attribute) else getattr(part.func, "id", "")
        if name.lstrip("_").startswith(ASSERTING):
            return True
    return False


def test_every_test_asserts_something() -> None:
    silent = [
        f"{path}:{node.lineno} {node.name}"
        for path in tree.python_files()
        for node in ast.walk(tree.parsed(path))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_") and not asserts(node)
    ]
    assert not silent, "\n".join(silent)


def test_no_test_is_switched_off() -> None:
    found = [
        f"{path}:{node.lineno} {node.attr}"
        for path in tree.python_files()
        if path.parts[0] == "tests"
        for node in ast.walk(tree.parsed(path))
        if isinstance(node, ast.Attribute)
        and node.attr in SWITCHED_OFF
        and (getattr(node.value, "id", "") == "pytest" or getattr(node.value, "attr", "") == "mark")
    ]
    assert not found, "\n".join(found)


def test_the_gate_notices_a_test_without_an_assertion() -> None:
    silent = ast.parse("def test_a():\n    client.get('/')\n")
    loud = ast.parse("def test_a():\n    with pytest.raises(ValueError):\n        f()\n")
    assert not asserts(silent)
    assert asserts(loud)
