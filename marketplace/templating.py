"""What templates may call: addresses, navigation and slots; figures are in `display`, drawings in `icons`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from zlib import crc32

from flask import Flask, current_app, request
from flask_login import current_user
from jinja2 import FileSystemBytecodeCache
from jinja2.bccache import Bucket
from markupsafe import Markup, escape
from werkzeug.routing import BuildError

from marketplace import display
from marketplace.appearance import init_appearance
from marketplace.assets import init_assets
from marketplace.drawn import drawn_cards
from marketplace.hooks.calls import left_out
from marketplace.icons import cover_art, icon
from marketplace.late import late
from marketplace.runtime import page_parts, runtime
from marketplace.wording import init_wording


@dataclass(frozen=True, slots=True)
class Link:
    """One link of a navigation as the page shows it."""

    label: str
    url: str
    icon: str
    current: bool


def avatar_hue(name: str | None) -> int:
    """Give a steady number from 0 to 3, so that a person keeps one colour."""
    return crc32((name or "").encode()) % 4


def link(endpoint: str) -> str:
    """Give the address of a page without arguments, or "" when that page is not mounted in this deployment."""
    known: dict[tuple[str, str], str] = runtime().parts.setdefault("links", {})
    key = (request.root_path, endpoint)
    if key not in known:
        try:
            known[key] = current_app.url_for(endpoint)
        except BuildError:
            known[key] = ""
    return known[key]


def nav(area: str) -> list[Link]:
    """Give the plugins' links for "main", "account", "operator" or "footer", in their order."""
    items = sorted(page_parts("nav_items", area=area, viewer=current_user), key=lambda item: item.order)
    links = []
    for item in items:
        if address := link(item.endpoint):
            here = request.path == address or request.path.startswith(address.rstrip("/") + "/")
            links.append(Link(str(item.label), address, item.icon, here))
    return links


def slot(name: str, subject: Any = None) -> Markup:
    """Render what plugins show in a slot; a failing piece is left out and logged, or raised in tests."""
    fills = page_parts("slot_fills", slot=name, subject=subject, viewer=current_user)
    return Markup("").join(_rendered(sorted(fills, key=lambda fill: fill.order), name, subject))


def _rendered(fills: list[Any], name: str, subject: Any) -> Iterator[Markup]:
    for fill in fills:
        try:
            text = current_app.jinja_env.get_template(fill.template).render(subject=subject, **fill.context)
        except Exception:
            if runtime().strict:
                raise
            left_out("slot_fill_failed", slot=name, template=fill.template)
        else:
            yield Markup(text)  # noqa: S704 - rendered by a template that escapes


def actions(subject: Any) -> list[Any]:
    """Give the plugins' buttons for a subject's page."""
    return list(page_parts("page_actions", subject=subject, viewer=current_user))


def template_folder() -> Path:
    """Find the core's templates: the installed `marketplace.templates`, or the folder beside the package in a checkout."""
    spec = find_spec("marketplace.templates")
    places = list(spec.submodule_search_locations or ()) if spec else []
    return Path(places[0]) if places else Path(__file__).resolve().parent.parent / "templates"


class KeptTemplates(FileSystemBytecodeCache):
    """Compiled templates in the instance folder, so that only the first worker ever compiles them.

    Jinja compares a checksum of the source, so an update is noticed. A disk that can't be written only costs that time.
    """

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep one template."""
        with suppress(OSError):
            Path(self.directory).mkdir(parents=True, exist_ok=True)
            super().dump_bytecode(bucket)


def init_templating(app: Flask) -> None:
    """Point Flask at the core's templates and give them their functions and filters."""
    app.template_folder = str(template_folder())
    environment = app.jinja_env
    if runtime(app).settings.environment != "test":
        environment.bytecode_cache = KeptTemplates(str(runtime(app).settings.instance_dir / "compiled"))
    environment.trim_blocks = environment.lstrip_blocks = True
    environment.policies["ext.i18n.trimmed"] = True  # as the texts were collected
    environment.filters.update(display.FILTERS)
    environment.globals.update(
        site=runtime(app).settings,
        current_user=current_user,
        money=display.money,
        number=display.number,
        distance=display.distance,
        time_tag=display.time_tag,
        days_left=display.days_left,
        price_units=display.price_units,
        locale_code=display.locale_code,
        attributes=display.attributes,
        icon=icon,
        cover_art=cover_art,
        avatar_hue=avatar_hue,
        link=link,
        nav=nav,
        slot=slot,
        actions=actions,
        drawn_cards=drawn_cards,
        unread=late("marketplace.notifications.reading:unread"),
        escape=escape,
    )
    init_wording(app)
    init_assets(app)
    init_appearance(app)
