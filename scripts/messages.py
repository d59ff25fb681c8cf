"""Collects the texts to translate, brings every catalogue up to date and compiles it: `make messages`.

Each package has its own catalogue, so that a plugin brings its own translations. Texts are English in the code, so there
is no English catalogue. Prints how many texts still wait for a translator; running it again changes nothing.
"""

import io
import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
LANGUAGES = ("nl",)
METHODS = [("**.py", "python"), ("**.html", "jinja2"), ("**/email/**.txt", "jinja2")]
OPTIONS = {"**.html": {"trimmed": "true"}, "**/email/**.txt": {"trimmed": "true"}}
KEYWORDS = {
    **DEFAULT_KEYWORDS,
    "_l": None,
    "lazy_gettext": None,
    "lazy_ngettext": (1, 2),
    "lazy_pgettext": ((1, "c"), 2),
}
NOT_FOR_MEMBERS = ("sandbox", "testing", "skeleton")
"""Folders whose texts stay English: they speak to developers."""


def packages() -> dict[Path, list[Path]]:
    """Return for each folder of catalogues the folders whose texts go into it."""
    plugins = sorted(path.parent for path in (ROOT / "plugins").glob("*/hooks.py"))
    return {
        ROOT / "marketplace" / "translations": [ROOT / "marketplace", ROOT / "templates"],
        **{plugin / "translations": [plugin] for plugin in plugins},
    }


def template(sources: list[Path]) -> Catalog:
    """Collect the texts of some folders, in the order in which they are found."""
    found = Catalog(project="Shareconomy", charset="utf-8")
    for folder in sources:
        for _file, _line, message, _comments, context in _extracted(folder):
            found.add(message, context=context)
    return found


def _extracted(folder: Path) -> Iterator[tuple]:
    return extract_from_dir(
        folder, METHODS, OPTIONS, KEYWORDS, directory_filter=lambda path: Path(path).name not in NOT_FOR_MEMBERS
    )


def updated(folder: Path, sources: list[Path], language: str) -> Catalog:
    """Return a language's catalogue with today's texts: known translations stay, texts that are gone go."""
    file = folder / language / "LC_MESSAGES" / "messages.po"
    texts = template(sources)
    if not file.exists():
        fresh = Catalog(locale=language, project="Shareconomy", charset="utf-8", fuzzy=False)
        fresh.header_comment = f"# Shareconomy in {fresh.locale.get_display_name('en')}."
        fresh.update(texts, no_fuzzy_matching=True)
        return fresh
    with file.open("rb") as stream:
        catalogue = read_po(stream, locale=language)
    # The dates in the head would otherwise change with every run.
    texts.creation_date = catalogue.creation_date
    catalogue.update(texts, no_fuzzy_matching=True)
    return catalogue


def written(catalogue: Catalog) -> tuple[bytes, bytes]:
    """Return a catalogue as translators read it and as the site reads it (.po and .mo)."""
    text, binary = io.BytesIO(), io.BytesIO()
    write_po(text, catalogue, no_location=True, sort_output=True, ignore_obsolete=True, width=120)
    write_mo(binary, catalogue)
    return text.getvalue(), binary.getvalue()


def missing(catalogue: Catalog) -> list[str]:
    """Return the texts without a translation, or with one of a plural's forms missing."""
    untranslated = []
    for message in catalogue:
        forms = message.string if isinstance(message.string, tuple | list) else (message.string,)
        if message.id and not all(forms):
            untranslated.append(message.id if isinstance(message.id, str) else message.id[0])
    return untranslated


def main() -> None:
    """Write every catalogue."""
    for folder, sources in packages().items():
        for language in LANGUAGES:
            catalogue = updated(folder, sources, language)
            place = folder / language / "LC_MESSAGES"
            place.mkdir(parents=True, exist_ok=True)
            text, binary = written(catalogue)
            (place / "messages.po").write_bytes(text)
            (place / "messages.mo").write_bytes(binary)
            waiting = missing(catalogue)
            sys.stdout.write(f"{place.relative_to(ROOT)}: {len(catalogue)} texts, {len(waiting)} without translation\n")


if __name__ == "__main__":
    main()
