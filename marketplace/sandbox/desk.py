"""`/` and `/desk/…`: where a person plays bank: sees what there is, and lets happen what banks and networks do."""

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from werkzeug.wrappers import Request, Response

from marketplace.sandbox import desk_views
from marketplace.sandbox.actions import ACTIONS
from marketplace.sandbox.control import params_of
from marketplace.sandbox.errors import ApiError
from marketplace.sandbox.html import page, see_other

if TYPE_CHECKING:
    from marketplace.sandbox.app import Sandbox


def answer(sandbox: "Sandbox", request: Request) -> Response:
    """Show a page of the desk, or do what one of its buttons says."""
    name = request.path.removeprefix("/desk").strip("/")
    if request.method == "POST":
        return _act(sandbox, request, name)
    if name == "find":
        return _find(sandbox, request)
    kind, _, identifier = name.partition("/")
    if kind == "object":
        return desk_views.one(sandbox, request, identifier) or _nothing(request)
    section = desk_views.SECTIONS.get(name)
    return section.show(sandbox, request) if section else _nothing(request)


def _act(sandbox: "Sandbox", request: Request, name: str) -> Response:
    action = ACTIONS.get(name)
    if action is None:
        return _nothing(request)
    back = _own_path(request.form.get("back", "/"))
    try:
        action(sandbox, params_of(request))
    except ApiError as error:
        return page(
            request,
            "notice.html",
            status=422,
            title="That was not possible",
            message=error.message,
            link=back,
        )
    return see_other(f"{back}?{urlencode({'done': name})}")


def _own_path(back: str) -> str:
    """Return a path of the desk to go back to, "/" for anything else."""
    return back if back.startswith("/desk/") and "//" not in back and "?" not in back else "/"


def _find(sandbox: "Sandbox", request: Request) -> Response:
    """Go to the object of an id, or to the customer of an address."""
    wanted = request.args.get("q", "").strip()
    with sandbox.store.read() as tx:
        if wanted and tx.get(wanted):
            return see_other(f"/desk/object/{wanted}")
        row = tx.run(
            "SELECT id FROM object WHERE type IN ('customer', 'account') AND json_extract(body, '$.email') = ?"
            " ORDER BY seq DESC LIMIT 1",
            (wanted,),
        ).fetchone()
    return see_other(f"/desk/object/{row[0]}") if row else _nothing(request)


def _nothing(request: Request) -> Response:
    return page(
        request, "notice.html", status=404, title="Not found", message="There is nothing at this address.", link="/"
    )
