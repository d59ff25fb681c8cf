"""Finds English texts on a page that should be in another language, by asking the catalogues what is English."""

from __future__ import annotations

import re
from functools import cache
from html.parser import HTMLParser
from typing import Any

from babel.messages.pofile import read_po

from scripts import messages

SPOKEN = ("alt", "aria-label", "label", "placeholder", "title")
UNSEEN = {"script", "style", "template"}
PLACE = re.compile(r"%\\\((\w+)\\\)[sd]")


class Texts(HTMLParser):
    """The texts of a page one by one: between tags, and in the attributes that somebody sees or hears."""

    def __init__(self, page: str) -> None:
        """Read a page."""
        super().__init__()
        self.found: list[str] = []
        self._unseen = 0
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what the attributes say."""
        self._unseen += tag in UNSEEN
        self._note(*(value or "" for name, value in attrs if name in SPOKEN))

    def handle_endtag(self, tag: str) -> None:
        """Come back into sight."""
        self._unseen -= tag in UNSEEN

    def handle_data(self, data: str) -> None:
        """Note what stands between two tags."""
        if not self._unseen:
            self._note(data)

    def _note(self, *texts: str) -> None:
        self.found += [folded for text in texts if (folded := " ".join(text.split()))]


def forms(value: Any) -> tuple[str, ...]:
    """Give singular and plural of a text, or the one form it has."""
    return tuple(value) if isinstance(value, tuple | list) else (value,)


def pattern(text: str, anything: str = ".+") -> str:
    """Give a regular expression for a text with anything at its named places."""
    plain = " ".join(re.sub(r"<[^>]+>", "", text).split())
    return PLACE.sub(anything, re.escape(plain)).replace("%%", "%")


def told(text: str) -> str:
    """Give the pattern of a translation; "%(km)s km" has to be a number and may not excuse a line that ends on it."""
    own = re.sub(r"%\(\w+\)[sd]", "", text)
    return pattern(text, ".+" if len(re.findall(r"\w", own)) > 2 else "[^ ]+")


def accused(text: str) -> str:
    """Give the pattern of an English text; "%(num)s pass" has to be a number and may not accuse a line that ends on it."""
    own = re.sub(r"%\(\w+\)[sd]", "", text)
    return pattern(text, ".+" if len(re.findall(r"\w", own)) > 6 else "[^ ]+")


@cache
def known(language: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Give what matches the texts that are English only, and what matches the translations."""
    english, alike, translated = set(), set(), set()
    for folder in messages.packages():
        with (folder / language / "LC_MESSAGES" / "messages.po").open("rb") as stream:
            for message in read_po(stream, locale=language):
                if message.id:
                    english |= set(map(accused, forms(message.id)))
                    alike |= set(map(accused, forms(message.string)))
                    translated |= set(map(told, forms(message.string)))
    # "%(name)s: %(text)s" and the like would match any line.
    wordy = {text for text in english - alike if re.search(r"[A-Za-z]{2}", text.replace(".+", ""))}
    return re.compile("|".join(sorted(wordy))), re.compile("|".join(sorted(translated)))


def english_left(page: str, language: str = "nl") -> list[str]:
    """List the texts of a page that the catalogue knows as English and that are no translation of another text."""
    english, translated = known(language)
    return [text for text in Texts(page).found if english.fullmatch(text) and not translated.fullmatch(text)]
