"""Pages that load late: an app starts with the addresses of its pages and imports their code when one is first asked for.

A blueprint that is mounted as "package.module:blueprint" has its addresses in the package's `addresses.txt`, which
`make addresses` writes from the pages' own decorators. A blueprint that has none there is imported at start-up.
`docs/decisions/0008-pages-load-late.md` tells why.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from inspect import iscoroutinefunction
from threading import RLock
from typing import Any

from flask import Blueprint, Flask, request

from marketplace.late import at
from marketplace.logs import log_of
from marketplace.routing import LateRule, RowNumber

log = log_of(__name__)
FILE = "addresses.txt"
_waits = cache(iscoroutinefunction)


@dataclass(frozen=True, slots=True)
class Address:
    """One page: its full rule, its endpoint, and the methods that it answers besides OPTIONS and HEAD."""

    endpoint: str
    methods: tuple[str, ...]
    rule: str


@dataclass(frozen=True, slots=True)
class LateBlueprint:
    """A blueprint of which only the addresses are known; its folders are needed before its code is."""

    name: str
    where: str
    addresses: Sequence[Address]
    templates: str | None = None
    static: str | None = None

    def stand_in(self) -> Blueprint:
        """Make the blueprint under whose name templates and static files are found."""
        return Blueprint(
            self.name, self.where, root_path="/", template_folder=self.templates, static_folder=self.static
        )


class Site(Flask):
    """The Flask app of one marketplace."""

    url_rule_class = LateRule

    def __init__(self, *args: Any, **named: Any) -> None:
        """Begin without pages."""
        super().__init__(*args, **named)
        self.url_map.converters["int"] = RowNumber
        self._late: dict[str, tuple[LateBlueprint, dict[str, Any]]] = {}
        self._stand_ins: dict[str, Blueprint] = {}
        self._loading = RLock()

    def mount(self, blueprint: Blueprint | LateBlueprint, **options: Any) -> None:
        """Add a blueprint's pages; of a late one only the addresses."""
        if isinstance(blueprint, Blueprint):
            self.register_blueprint(blueprint, **options)
            return
        self._late[blueprint.name] = (blueprint, options)
        if blueprint.templates or blueprint.static:
            self._stand_ins[blueprint.name] = blueprint.stand_in()
        for address in blueprint.addresses:
            super().add_url_rule(address.rule, address.endpoint, _not_loaded, methods=address.methods)

    def load(self, name: str) -> None:
        """Import a late blueprint's code and register its views and functions; does nothing when that is done."""
        if name not in self._late:
            return
        with self._loading:
            if name in self._late:
                late, options = self._late[name]
                found: Blueprint = at(late.where)
                found.register(self, options)
                self._stand_ins.pop(name, None)
                del self._late[name]

    def load_all(self, below: str = "/") -> None:
        """Load every blueprint that has an address below this one."""
        for name, (late, _options) in list(self._late.items()):
            if any(address.rule.startswith(below) for address in late.addresses):
                self.load(name)

    def add_url_rule(
        self, rule: str, endpoint: str | None = None, view_func: Any = None, *rest: Any, **options: Any
    ) -> None:
        """Add a rule; when its blueprint loads late the rule is there already, and only the view takes its place.

        A page that an old table does not know stays away, and the log says so; the blueprint's other pages work.
        """
        if not endpoint or endpoint.rpartition(".")[0] not in self._late:
            super().add_url_rule(rule, endpoint, view_func, *rest, **options)
        elif endpoint in self.view_functions:
            self.view_functions[endpoint] = view_func
        else:
            log.error("page_without_address", endpoint=endpoint, rule=rule, hint=f"{FILE} is old: run `make addresses`")

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Give a function that returns its answer; asks each function once what it is, instead of at every request."""
        return super().ensure_sync(func) if _waits(func) else func

    def preprocess_request(self) -> Any:
        """Load the page's code before whatever looks at its view: CSRF protection, limits, the blueprint's own functions."""
        if self._late and request.blueprint is not None:
            self.load(request.blueprint)
        return super().preprocess_request()

    def iter_blueprints(self) -> Any:
        """Give all blueprints for their templates and static files, stand-ins for those that are not loaded."""
        return (*self.blueprints.values(), *self._stand_ins.values())


def _not_loaded(**_values: Any) -> str:
    raise LookupError("this page's code was not loaded")
