"""One piece of the bank's work (a request, a page's form, something that fell due), and what all of them share."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from marketplace.sandbox.errors import InvalidRequest, missing
from marketplace.sandbox.params import Params
from marketplace.sandbox.store import Doc, Tx

API_VERSION = "2026-10-28.endive"  # the version that the installed SDK (stripe 16.1) pins

LIST_PARAMS = frozenset({"limit", "starting_after", "ending_before", "expand"})


@dataclass(slots=True)
class Call:
    """The transaction, the time and the party that a piece of work is done for."""

    tx: Tx
    now: int
    account: str = ""  # "" is the platform, otherwise a connected account
    base_url: str = ""
    params: Params = field(default_factory=lambda: Params({}))
    path: Mapping[str, str] = field(default_factory=dict)
    request_id: str | None = None
    key: str | None = None
    version: str = API_VERSION  # "" when the request names none: then the account's own old version counts

    def load(self, kind: str, identifier: str, param: str | None = None) -> Doc:
        """Return an object of this account. Raises Missing (404) naming `param`."""
        doc = self.tx.get(identifier, kind, self.account)
        if doc is None:
            raise missing(kind.replace(".", " "), identifier, param)
        return doc

    def since(self, version: str) -> bool:
        """Return whether the request is in a version of the API of that day (YYYY-MM-DD) or later."""
        return self.version[:10] >= version

    def subject(self, kind: str) -> Doc:
        """Return the object that the address names as `<id>`."""
        return self.load(kind, self.path["id"], "id")

    def on(self, account: str) -> "Call":
        """Return the same piece of work on behalf of another account."""
        return replace(self, account=account)


Handler = Callable[[Call], Doc]


@dataclass(frozen=True, slots=True)
class Route:
    """One address of the API: its operation's name is what faults and logs go by."""

    method: str
    rule: str
    operation: str
    handler: Handler
    accepts: frozenset[str] = frozenset()


def route(method: str, rule: str, operation: str, handler: Handler, accepts: str = "") -> Route:
    """Return a route that accepts the named parameters, and `expand`, which all but DELETE take."""
    names = frozenset(accepts.split())
    return Route(method, rule, operation, handler, names if method == "DELETE" else names | {"expand"})


def listing_route(rule: str, operation: str, handler: Handler, filters: str = "created") -> Route:
    """Return the route of a list with its paging parameters and `filters` (by time of creation unless named)."""
    return Route("GET", rule, operation, handler, LIST_PARAMS | frozenset(filters.split()))


def public(doc: Doc) -> Doc:
    """Return an object without its private part."""
    if "_" not in doc:
        return doc
    return {key: value for key, value in doc.items() if key != "_"}


def private(doc: Doc) -> Doc:
    """Return the private part of an object, making it when needed."""
    part: Doc = doc.setdefault("_", {})
    return part


def list_of(items: Iterable[Doc], url: str, has_more: bool = False) -> Doc:
    """Return Stripe's list object."""
    return {"object": "list", "data": [public(item) for item in items], "has_more": has_more, "url": url}


def listing(
    call: Call, kind: str, url: str, filters: Iterable[str] = (), also: Iterable[tuple[str, Any]] = (), **fixed: Any
) -> Doc:
    """Return a page of the objects of a kind, newest first, as `limit`, `starting_after`, `ending_before` ask.

    `filters` are parameters compared as they are, `also` conditions in SQL of our own with the value that each binds.
    """
    params = call.params
    wanted = {name: params.text(name) for name in filters if params.text(name) is not None} | fixed
    limit = params.integer("limit", 1, 100) or 10
    clauses, values = _created(params)
    for clause, value in also:
        clauses.append(clause)
        values.append(value)
    after, before = params.text("starting_after"), params.text("ending_before")
    if after and before:
        raise InvalidRequest("Give starting_after or ending_before, not both.", param="ending_before")
    for name, identifier, sign in (("starting_after", after, "<"), ("ending_before", before, ">")):
        if identifier:
            seq = call.tx.seq(call.load(kind, identifier, name)["id"])
            clauses.append(f"seq {sign} ?")
            values.append(seq)
    found = call.tx.find(
        kind,
        wanted,
        account=call.account,
        where=" AND ".join(clauses),
        values=tuple(values),
        oldest_first=bool(before),
        limit=limit + 1,
    )
    page = found[:limit]
    return list_of(reversed(page) if before else page, url, len(found) > limit)


def _created(params: Params) -> tuple[list[str], list[Any]]:
    given = params.values.get("created")
    if given is None:
        return [], []
    if isinstance(given, str):
        return ["created = ?"], [params.need_integer("created")]
    clauses: list[str] = []
    values: list[Any] = []
    group = params.group("created")
    group.only(frozenset({"gt", "gte", "lt", "lte"}))
    for name, sign in (("gt", ">"), ("gte", ">="), ("lt", "<"), ("lte", "<=")):
        if name in group:
            clauses.append(f"created {sign} ?")
            values.append(group.need_integer(name))
    return clauses, values
