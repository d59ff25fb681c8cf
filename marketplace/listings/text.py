"""A member's words: Markdown made safe HTML once, when it is saved; a summary and a slug."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import Any

TAGS = {"p", "br", "strong", "em", "s", "a", "ul", "ol", "li", "h3", "h4", "blockquote", "code", "pre", "hr"}
SLUG_LENGTH = 60
SUMMARY_LENGTH = 160


@cache
def _markdown() -> Any:
    from markdown_it import MarkdownIt  # 30 ms to import, and only saving a text needs it

    rules = MarkdownIt("commonmark", {"html": False, "breaks": True})
    return rules.enable("strikethrough").disable(["image", "html_block", "html_inline"])


def render(markdown: str) -> str:
    """Turn Markdown into HTML with a few harmless tags; headings begin below the page's own, links gain no trust."""
    import nh3  # as above

    html = _markdown().render(markdown)
    html = re.sub(r"<(/?)h[12]>", r"<\1h3>", html)
    html = re.sub(r"<(/?)h[456]>", r"<\1h4>", html)
    return nh3.clean(
        html,
        tags=TAGS,
        attributes={"a": {"href"}},
        url_schemes={"http", "https", "mailto"},
        link_rel="nofollow ugc noopener",
    )


def plain(markdown: str) -> str:
    """Give the words of a Markdown text without its signs, on one line."""
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", markdown)
    text = re.sub(r"^[ \t]*(?:#{1,6}|>|[-*+]|\d+\.)[ \t]+", "", text, flags=re.MULTILINE)
    text = re.sub(r"[*_`~]+|<[^>]*>", "", text)
    return " ".join(text.split())


def summary_of(markdown: str) -> str:
    """Give the beginning of a text, cut between words."""
    text = plain(markdown)
    if len(text) <= SUMMARY_LENGTH:
        return text
    return text[: SUMMARY_LENGTH - 1].rsplit(" ", 1)[0].rstrip(",.;:–—- ") + "…"


def slug_of(title: str) -> str:
    """Make the readable part of an address: lower case a to z, digits and single hyphens, never empty."""
    folded = unicodedata.normalize("NFKD", title.replace("ß", "ss").replace("ø", "o").replace("Ø", "o"))
    letters = folded.encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", letters)[:SLUG_LENGTH].strip("-")
    return slug or "listing"


def cleaned(text: str, *, lines: bool = False) -> str:
    """Drop what databases and readers can't use: control signs, and blanks at the ends (line breaks stay if `lines`)."""
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    text = "".join(sign for sign in text if sign in "\n\t" or unicodedata.category(sign) not in ("Cc", "Cs"))
    return text.strip() if lines else " ".join(text.split())
