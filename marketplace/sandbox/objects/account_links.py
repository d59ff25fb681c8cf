"""Links to the hosted pages of a connected account: onboarding (once, for five minutes) and the small dashboard."""

from marketplace.sandbox.calls import Call, route
from marketplace.sandbox.errors import InvalidRequest
from marketplace.sandbox.ids import new_id, token
from marketplace.sandbox.objects import accounts
from marketplace.sandbox.objects.webhook_endpoints import checked_url
from marketplace.sandbox.store import Doc

LASTS_SECONDS = 300


def create(call: Call) -> Doc:
    """Make a link to the onboarding page."""
    params = call.params
    account = accounts.load(call, params.need_text("account"))
    kind = params.choice("type", ("account_onboarding", "account_update"))
    if kind is None:
        raise params.absent("type")
    link: Doc = {
        "id": new_id("alink"),
        "object": "account_link",
        "created": call.now,
        "expires_at": call.now + LASTS_SECONDS,
        "account": account["id"],
        "refresh_url": checked_url(params.need_text("refresh_url")),
        "return_url": checked_url(params.need_text("return_url")),
        "secret": token(32),
        "used": False,
    }
    call.tx.insert(link)
    return {
        "object": "account_link",
        "created": link["created"],
        "expires_at": link["expires_at"],
        "url": f"{call.base_url}/onboarding/{link['id']}/{link['secret']}",
    }


def login(call: Call) -> Doc:
    """Make a link to the small dashboard of an Express account."""
    account = accounts.load(call, call.path["id"])
    if not account["details_submitted"]:
        raise InvalidRequest("The account has not finished onboarding, so it has no dashboard yet.")
    return {
        "object": "login_link",
        "created": call.now,
        "url": f"{call.base_url}/express/{account['id']}",
    }


ROUTES = (
    route(
        "POST",
        "/v1/account_links",
        "account_links.create",
        create,
        "account type refresh_url return_url collect collection_options",
    ),
    route("POST", "/v1/accounts/<id>/login_links", "accounts.login_links.create", login),
)
