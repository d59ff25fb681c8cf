"""`/`: where a person plays bank: sees what there is, moves the clock, disputes, restricts, resends."""

from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Request, Response

from marketplace.sandbox import deliveries
from marketplace.sandbox.actions import ACTIONS
from marketplace.sandbox.control import params_of
from marketplace.sandbox.errors import ApiError
from marketplace.sandbox.faults import REQUEST_KINDS, WEBHOOK_KINDS
from marketplace.sandbox.html import page, see_other

if TYPE_CHECKING:
    from marketplace.sandbox.app import Sandbox

SHOWN = 25
STEPS = ((3600, "One hour"), (86_400, "One day"), (604_800, "One week"), (2_592_000, "30 days"))


def answer(sandbox: "Sandbox", request: Request) -> Response:
    """Show the page, or do what one of its buttons says."""
    if request.method != "POST":
        return _show(sandbox, request) if request.path == "/" else see_other("/")
    action = ACTIONS.get(request.path.removeprefix("/desk/"))
    if action is None:
        return page(
            request, "notice.html", status=404, title="Not found", message="There is nothing at this address.", link="/"
        )
    try:
        action(sandbox, params_of(request))
    except ApiError as error:
        return page(
            request,
            "notice.html",
            status=422,
            title="Something is wrong with this form",
            message=error.message,
            link="/",
        )
    return see_other("/")


def _show(sandbox: "Sandbox", request: Request) -> Response:
    with sandbox.store.read() as tx:
        lists: dict[str, Any] = {
            "payments": tx.find("payment_intent", limit=SHOWN),
            "charges": {doc["id"]: doc for doc in tx.find("charge", limit=4 * SHOWN)},
            "customers": tx.find("customer", limit=SHOWN),
            "methods": tx.find("payment_method", where="json_extract(body, '$.customer') IS NOT NULL", limit=SHOWN),
            "accounts": tx.find("account", limit=SHOWN),
            "disputes": tx.find("dispute", limit=SHOWN),
            "payouts": tx.find("payout", limit=SHOWN),
            "events": tx.find("event", limit=SHOWN),
            "balances": tx.run("SELECT account, currency, pending, available FROM balance ORDER BY account").fetchall(),
        }
    return page(
        request,
        "desk.html",
        now=sandbox.clock.now(),
        steps=STEPS,
        kinds=(*REQUEST_KINDS, *WEBHOOK_KINDS),
        faults=sandbox.faults.waiting(),
        deliveries=deliveries.rows(sandbox.store, SHOWN),
        **lists,
    )
