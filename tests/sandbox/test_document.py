"""`docs/sandbox.md` says what is there: every action, fault and option by its name, and it can be found."""

import re

from marketplace.sandbox.__main__ import _arguments
from marketplace.sandbox.actions import ACTIONS
from marketplace.sandbox.faults import REQUEST_KINDS, WEBHOOK_KINDS
from tests.gates import tree
from tests.sandbox.test_official_cli import FAILING, PASSING

TEXT = tree.source(tree.ROOT / "docs" / "sandbox.md")


def test_every_action_and_fault_is_described_and_no_other() -> None:
    table = TEXT.partition("| name | values |")[2].partition("\n\n")[0]
    assert set(re.findall(r"^\| `([a-z_/]+)` \|", table, re.MULTILINE)) == ACTIONS.keys()
    kinds = TEXT.partition("Of requests:")[2].partition("\n\n")[0]
    assert {kind for kind in (*REQUEST_KINDS, *WEBHOOK_KINDS) if f"`{kind}`" not in kinds} == set()


def test_every_option_is_described() -> None:
    named = set(re.findall(r"`(--[a-z-]+)`", TEXT.partition("| option |")[2].partition("\n\n")[0]))
    assert {f"--{name.replace('_', '-')}" for name in vars(_arguments([]))} == named


def test_the_figures_of_the_triggers_are_those_of_the_test() -> None:
    assert f"of the {PASSING + len(FAILING)} about objects that we deal with, {PASSING} pass" in TEXT


def test_readers_of_the_readme_and_operators_find_it() -> None:
    assert "(docs/sandbox.md)" in tree.source(tree.ROOT / "README.md")
    assert "(sandbox.md)" in tree.source(tree.ROOT / "docs" / "operate.md")
