"""The types of Stripe's SDK judge our gateway: a parameter that Stripe does not know is an error before anything runs."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.gates import tree

GATEWAYS = tree.ROOT / "marketplace" / "payments" / "gateways"
WRONG = "nonsense_of_a_test"
OPTIONS = {"idempotency_key", "stripe_account"}
"""What tells the options of a request from its parameters."""


def parameters(module: ast.Module) -> Iterator[ast.Dict]:
    """Give each dictionary of parameters in a module: given to a call of the SDK, or declared to be such parameters."""
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and "self._stripe." in ast.unparse(node.func):
            given = [argument for argument in node.args if isinstance(argument, ast.Dict)]
            yield from (one for one in given if not OPTIONS & names(one))
        elif (
            isinstance(node, ast.AnnAssign)
            and isinstance(node.value, ast.Dict)
            and re.search(r"Params\b", ast.unparse(node.annotation))
        ):
            yield node.value


def names(given: ast.Dict) -> set[object]:
    """Return the keys of a dictionary that are written out."""
    return {key.value for key in given.keys if isinstance(key, ast.Constant)}


def test_no_call_of_the_sdk_is_excused_from_its_types() -> None:
    excused = [
        f"{path.name}:{number}"
        for path in GATEWAYS.glob("*.py")
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if "_stripe." in line and ("type: ignore" in line or "cast(" in line)
    ]
    assert not excused


def test_an_unknown_and_an_ill_typed_parameter_are_errors_in_every_call(tmp_path: Path) -> None:
    shadows: list[str] = []
    wrong: set[tuple[str, int]] = set()
    for path in sorted(GATEWAYS.glob("stripe_*.py")):
        module = ast.parse(path.read_text())
        for given in parameters(module):
            for place, key in enumerate(given.keys):
                if isinstance(key, ast.Constant) and key.value == "amount":
                    given.values[place] = ast.Constant("a text")
            given.keys.append(ast.Constant(WRONG))
            given.values.append(ast.Constant(1))
        # Unparsed, each statement stands on a line of its own, so that a line tells which call is meant.
        shadow = tmp_path / path.name
        shadow.write_text(ast.unparse(ast.fix_missing_locations(module)) + "\n")
        shadows += ["--shadow-file", str(path), str(shadow)]
        lines = enumerate(shadow.read_text().splitlines(), 1)
        wrong |= {(path.name, number) for number, line in lines if WRONG in line}
    outcome = subprocess.run(
        [sys.executable, "-m", "mypy", "--cache-dir", str(tmp_path / "cache"), *shadows, str(GATEWAYS)],
        cwd=tree.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    told = re.findall(r"gateways/(\w+\.py):(\d+): error: .*\[(?:arg-type|typeddict-.*)\]", outcome.stdout)
    assert len(wrong) > 20
    assert wrong - {(name, int(number)) for name, number in told} == set(), outcome.stdout + outcome.stderr
    assert 'TypedDict item "amount" has type "int"' in outcome.stdout
