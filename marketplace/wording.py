"""Gettext that translates each text once per language: a page asks for a hundred, and Babel's own way costs 15 µs each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask
from flask_babel import Domain, get_translations
from jinja2.nodes import EvalContext
from jinja2.utils import pass_eval_context
from markupsafe import Markup

from marketplace.display import locale_code
from marketplace.extensions import babel

KEPT = 5000


class KnownTexts:
    """Translations found so far, by language; texts come from our own code, so there is an end to them."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._known: dict[tuple[str, str], str] = {}

    def __call__(self, message: str) -> str:
        """Translate into the request's language."""
        key = (locale_code(), message)
        text = self._known.get(key)
        if text is None:
            text = str(get_translations().ugettext(message))
            if len(self._known) < KEPT:
                self._known[key] = text
        return text


class KnownDomain(Domain):
    """What `flask_babel.gettext` and its lazy form ask."""

    def __init__(self, known: KnownTexts) -> None:
        """Share the memory of the templates."""
        super().__init__()
        self._texts = known

    def gettext(self, string: str, **variables: Any) -> str:
        """Translate a text and fill it in."""
        text = self._texts(string)
        return text % variables if variables else text


def _filled(text: str, variables: dict[str, Any], eval_context: EvalContext) -> str:
    """Put the variables in, escaped where the template escapes."""
    if not eval_context.autoescape:
        return text % variables
    return Markup(text) % variables  # noqa: S704 - texts come from our catalogues, variables are escaped here


def gettext_functions(known: KnownTexts) -> tuple[Callable[..., str], Callable[..., str]]:
    """Make `gettext` and `ngettext` as templates call them."""

    plain: dict[str, Markup] = {}
    """Translations without any sign to fill in, by their own text: most of a page, and ready to be written."""

    @pass_eval_context
    def gettext(eval_context: EvalContext, message: str, /, **variables: Any) -> str:
        text = known(message)
        if variables or "%" in text or not eval_context.autoescape:
            return _filled(text, variables, eval_context)
        ready = plain.get(text)
        if ready is None:
            ready = plain[text] = Markup(text)  # noqa: S704 - texts come from our catalogues
        return ready

    @pass_eval_context
    def ngettext(eval_context: EvalContext, singular: str, plural: str, num: int, /, **variables: Any) -> str:
        variables.setdefault("num", num)
        return _filled(str(get_translations().ungettext(singular, plural, num)), variables, eval_context)

    return gettext, ngettext


def init_wording(app: Flask) -> None:
    """Replace the functions that Flask-Babel gave the templates, and the domain behind its own."""
    known = KnownTexts()
    babel.domain_instance = KnownDomain(known)
    gettext, ngettext = gettext_functions(known)
    app.jinja_env.globals.update(gettext=gettext, _=gettext, ngettext=ngettext)
    app.jinja_env.newstyle_gettext = True  # type: ignore[attr-defined]
