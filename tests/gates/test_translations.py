"""Every text that a member can see is there in every language, and what was compiled is what was translated."""

import ast
import re
from pathlib import Path

import pytest

from scripts import messages

PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]")
CATALOGUES = [(folder, language) for folder in messages.packages() for language in messages.LANGUAGES]


@pytest.mark.parametrize(
    ("folder", "language"), CATALOGUES, ids=lambda value: getattr(value, "parent", Path(str(value))).name
)
def test_a_catalogue_is_complete_up_to_date_and_compiled(folder: Path, language: str) -> None:
    catalogue = messages.updated(folder, messages.packages()[folder], language)
    assert messages.missing(catalogue) == []
    text, binary = messages.written(catalogue)
    place = folder / language / "LC_MESSAGES"
    assert (place / "messages.po").read_bytes() == text, "run `make messages`"
    assert (place / "messages.mo").read_bytes() == binary, "run `make messages`"


@pytest.mark.parametrize(
    ("folder", "language"), CATALOGUES, ids=lambda value: getattr(value, "parent", Path(str(value))).name
)
def test_a_translation_has_the_placeholders_of_its_text(folder: Path, language: str) -> None:
    wrong = []
    for message in messages.updated(folder, messages.packages()[folder], language):
        ids = message.id if isinstance(message.id, tuple | list) else (message.id,)
        strings = message.string if isinstance(message.string, tuple | list) else (message.string,)
        allowed = set(PLACEHOLDER.findall(" ".join(ids)))
        for string in filter(None, strings):
            used = set(PLACEHOLDER.findall(string))
            # A singular may say "one" instead of the number.
            if message.id and (used - allowed or (allowed - used - {"num"} and len(ids) == 1)):
                wrong.append(f"{ids[0]!r}: {string!r}")
    assert not wrong, "\n".join(wrong)


GETTEXTS = {"_", "_l", "gettext", "ngettext", "lazy_gettext", "lazy_ngettext", "npgettext", "pgettext"}


def texts_inside_f_strings(source: str) -> list[str]:
    """Give what is asked of the catalogue inside an f-string: there the texts are not collected, so nobody translates them."""
    texts = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.JoinedStr)]
    calls = [node for text in texts for node in ast.walk(text) if isinstance(node, ast.Call)]
    return [ast.unparse(call) for call in calls if isinstance(call.func, ast.Name) and call.func.id in GETTEXTS]


def test_no_text_is_asked_for_inside_an_f_string() -> None:
    assert texts_inside_f_strings("""f"{how} {_('Received.')} {len(how)}" """) == ["_('Received.')"]
    root = Path(messages.__file__).parent.parent
    found = {
        str(path): texts
        for part in ("marketplace", "plugins")
        for path in sorted((root / part).rglob("*.py"))
        if (texts := texts_inside_f_strings(path.read_text(encoding="utf-8")))
    }
    assert found == {}
