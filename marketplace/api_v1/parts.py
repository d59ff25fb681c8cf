"""Declaring operations: one decorator gives the route, the validation, the scopes and the entry in the document."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from flask import Blueprint, Flask, current_app

from marketplace.api_v1.dispatch import view_of
from marketplace.api_v1.operations import HOLE, Operation
from marketplace.extensions import csrf
from marketplace.pages import Site

PREFIX = "/api/v1"
CORE = "api_v1"
Handler = TypeVar("Handler", bound=Callable[..., Any])


def rule_of(path: str) -> str:
    """Write a path for the router. Numbers are read by the view: a converter that refuses would turn 404 into 405."""
    return HOLE.sub(r"<string(maxlength=64):\1>", path)


@dataclass
class ApiPart:
    """Operations that come and go together: the core's, or one plugin's. Mount its `blueprint`.

    `scopes` adds what tokens may be allowed to do, with a text that members read.
    """

    name: str
    scopes: Mapping[str, Any] = field(default_factory=dict)
    operations: list[Operation] = field(default_factory=list)
    blueprint: ApiBlueprint = field(init=False)

    def __post_init__(self) -> None:
        """Make the blueprint; tokens are no cookies, so nobody can send a request in a member's name by a form."""
        self.blueprint = ApiBlueprint(self.name, __name__, url_prefix=PREFIX)
        self.blueprint.part = self
        csrf.exempt(self.blueprint)

    def operation(self, method: str, path: str, **facts: Any) -> Callable[[Handler], Handler]:
        """Declare an operation: `facts` are the fields of Operation.

        The handler gets a `Call` and the path's values by name, and gives what `returns` says, or a `Reply`.
        """

        def declare(handler: Handler) -> Handler:
            made = Operation(method, path, handler, **facts)
            self.operations.append(made)
            self.blueprint.add_url_rule(rule_of(path), made.name, view_of(made), methods=[method])
            return handler

        return declare


class ApiBlueprint(Blueprint):
    """A part's blueprint, by which an app knows the part."""

    part: ApiPart


def parts_of(app: Flask | None = None) -> list[ApiPart]:
    """Give the parts that are mounted in an app, the core's first and then the plugins' by name; loads what is not loaded."""
    site = cast(Site, app or current_app)
    site.load_all(PREFIX)
    parts = [blueprint.part for blueprint in site.blueprints.values() if isinstance(blueprint, ApiBlueprint)]
    return sorted(parts, key=lambda part: (part.name != CORE, part.name))


def operations_of(app: Flask | None = None) -> list[Operation]:
    """Give all operations of an app."""
    return [operation for part in parts_of(app) for operation in part.operations]


def scopes_of(app: Flask | None = None) -> dict[str, Any]:
    """Give all scopes of an app with their texts."""
    return {name: text for part in parts_of(app) for name, text in part.scopes.items()}
