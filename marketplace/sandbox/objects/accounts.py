"""Connected accounts: the owners who are paid out, with what the bank still wants to know of them."""

from typing import Any

from marketplace.sandbox import shapes
from marketplace.sandbox.calls import Call, list_of, listing, listing_route, private, public, route
from marketplace.sandbox.errors import Forbidden, InvalidRequest, missing
from marketplace.sandbox.events import emit
from marketplace.sandbox.ids import new_id
from marketplace.sandbox.objects import bank_accounts
from marketplace.sandbox.params import Params
from marketplace.sandbox.store import Doc

_UPDATE = (
    "email capabilities business_type business_profile metadata default_currency settings"
    " individual company tos_acceptance external_account"
)
_CREATE = f"type controller country {_UPDATE}"
_CAPABILITIES = ("card_payments", "transfers", "ideal_payments", "sepa_debit_payments", "bancontact_payments")
_DUE = ("external_account", "individual.dob", "individual.first_name", "individual.last_name", "tos_acceptance.date")
APPLICATION: Doc = {"id": "ca_sandbox", "object": "application", "name": "The marketplace"}
_INTERVALS = ("manual", "daily", "weekly", "monthly")


def create(call: Call) -> Doc:
    """Make a connected account: by `type`, or by `controller` with the Express dashboard."""
    params = call.params
    controller = params.group("controller")
    kind = params.choice("type", ("custom", "express", "standard"))
    if kind and controller.values:
        raise InvalidRequest("Give type or controller, not both.", param="type")
    dashboard = controller.group("stripe_dashboard").choice("type", ("express", "full", "none"), "full")
    shown = kind or {"express": "express", "full": "standard", "none": "custom"}[dashboard or "full"]
    country = (params.text("country") or "NL").upper()
    account: Doc = {
        "id": new_id("acct"),
        "object": "account",
        "business_profile": _profile(params.group("business_profile"), {}),
        "business_type": None,
        "capabilities": {},
        "charges_enabled": False,
        "controller": _controller(shown, controller),
        "country": country,
        "created": call.now,
        "default_currency": (params.text("default_currency") or "eur").lower(),
        "details_submitted": False,
        "email": params.text("email"),
        "external_accounts": {},
        "future_requirements": _requirements(()),
        "metadata": params.metadata(),
        "payouts_enabled": False,
        "requirements": _requirements(_DUE),
        "settings": shapes.new("account_settings"),
        "tos_acceptance": {"date": None, "ip": None, "user_agent": None},
        "type": shown if kind else "none",
        "_": {"due": list(_DUE), "restricted": "", "requested": {}},
    }
    account["external_accounts"] = list_of([], f"/v1/accounts/{account['id']}/external_accounts")
    call.tx.insert(account)
    _change(call, account)
    call.tx.update(account)
    return account


def _controller(shown: str, given: Params) -> Doc:
    fees = given.group("fees").choice("payer", ("account", "application"))
    losses = given.group("losses").choice("payments", ("application", "stripe"))
    collection = given.choice("requirement_collection", ("application", "stripe"))
    platform_pays = shown in {"express", "custom"}
    return {
        "fees": {"payer": fees or ("application_express" if platform_pays else "account")},
        "is_controller": True,
        "losses": {"payments": losses or ("application" if platform_pays else "stripe")},
        "requirement_collection": collection or ("application" if shown == "custom" else "stripe"),
        "stripe_dashboard": {"type": {"express": "express", "standard": "full", "custom": "none"}[shown]},
        "type": "application",
    }


def _profile(given: Params, present: Doc) -> Doc:
    names = ("mcc", "name", "product_description", "support_email", "support_phone", "support_url", "url")
    blank: Doc = {**dict.fromkeys(names), "support_address": None}
    return {**blank, **present, **{name: given.text(name) for name in names if name in given}}


def _requirements(due: tuple[str, ...] | list[str], disabled: str | None = None) -> Doc:
    return {
        "alternatives": [],
        "current_deadline": None,
        "currently_due": list(due),
        "disabled_reason": disabled or ("requirements.past_due" if due else None),
        "errors": [],
        "eventually_due": list(due),
        "past_due": list(due),
        "pending_verification": [],
    }


def _change(call: Call, account: Doc) -> None:
    """Take over what the parameters say about an account."""
    params = call.params
    for name in params.group("capabilities").values:
        if name not in _CAPABILITIES:
            raise InvalidRequest(f"Invalid capability: {name[:40]}", param=f"capabilities[{name[:40]}]")
        wish = params.group("capabilities").group(name)
        private(account)["requested"][name] = wish.flag("requested")
    if "business_type" in params:
        kinds = ("individual", "company", "non_profit", "government_entity")
        account["business_type"] = params.choice("business_type", kinds)
    if "email" in params:
        account["email"] = params.text("email")
    schedule = params.group("settings").group("payouts").group("schedule")
    interval = schedule.choice("interval", _INTERVALS)
    if interval:
        account["settings"]["payouts"]["schedule"]["interval"] = interval
    if "external_account" in params:
        bank_accounts.add(call, account, params.group("external_account"))
    evaluate(account)


def evaluate(account: Doc) -> None:
    """Work out what an account may do from what is known of it."""
    part = private(account)
    due, restricted = part["due"], part["restricted"]
    ready = not due and not restricted
    account["requirements"] = _requirements(due, restricted or None)
    asked = part.get("asked")
    if asked and not due:  # asked for, and not late yet
        account["requirements"].update(
            currently_due=[asked["item"]], eventually_due=[asked["item"]], current_deadline=asked["by"]
        )
    account["details_submitted"] = part.get("submitted", False)
    account["capabilities"] = {
        name: "active" if ready else "inactive" for name, requested in part["requested"].items() if requested
    }
    account["charges_enabled"] = account["capabilities"].get("card_payments") == "active"
    account["payouts_enabled"] = ready and bool(account["external_accounts"]["data"])


def announce(call: Call, account: Doc, previous: dict[str, Any]) -> Doc:
    """Store an account whose standing may have changed and tell who listens for connected accounts."""
    evaluate(account)
    call.tx.update(account)
    there = call.on(account["id"])
    emit(there, "account.updated", account, {})
    for name, status in account["capabilities"].items():
        if previous.get(name) != status:
            emit(there, "capability.updated", capability(account, name))
    return account


def submit(call: Call, account: Doc, *, business_type: str, iban: str, leave_open: bool) -> Doc:
    """Take the answers of the onboarding page; `leave_open` keeps one question unanswered."""
    part = private(account)
    previous = dict(account["capabilities"])
    bank_accounts.attach(call, account, iban=iban, country=iban[:2], currency=account["default_currency"])
    account["business_type"] = business_type
    account["tos_acceptance"] = {"date": call.now, "ip": "127.0.0.1", "user_agent": None}
    part.update(submitted=True, asked=None, due=["individual.verification.document"] if leave_open else [])
    return announce(call, account, previous)


def restrict(call: Call, account: Doc, reason: str) -> Doc:
    """Let the bank restrict an account (`listed`, `rejected.fraud`, …) or, with "", lift that."""
    previous = dict(account["capabilities"])
    private(account)["restricted"] = reason
    if not reason:
        private(account).update(due=[], asked=None)
    return announce(call, account, previous)


def capability(account: Doc, name: str) -> Doc:
    """Return one capability of an account."""
    requested = private(account)["requested"].get(name, False)
    return {
        "id": name,
        "object": "capability",
        "account": account["id"],
        "future_requirements": _requirements(()),
        "requested": requested,
        "requested_at": account["created"] if requested else None,
        "requirements": {**account["requirements"], "disabled_reason": _why_disabled(account)},
        "status": account["capabilities"].get(name, "unrequested"),
    }


def _why_disabled(account: Doc) -> str | None:
    """Return why a capability is not active; the words are others than those of the account."""
    restricted = private(account)["restricted"]
    if restricted:
        return "rejected.other" if restricted.startswith("rejected.") else "pending.review"
    return "requirements.fields_needed" if private(account)["due"] else None


def load(call: Call, identifier: str, param: str = "account") -> Doc:
    """Return a connected account. Raises Forbidden for one that is not ours, as Stripe does."""
    account = call.tx.get(identifier, "account")
    if account is None or account.get("deleted"):
        if param == "destination":
            raise missing("destination", identifier, param)
        raise Forbidden(
            f"The key does not have access to account '{identifier}', or there is no such account.",
            code="account_invalid",
        )
    return account


def update(call: Call) -> Doc:
    """Change an account."""
    account = load(call, call.path["id"])
    previous = dict(account["capabilities"])
    account["metadata"] = call.params.metadata(account["metadata"])
    account["business_profile"] = _profile(call.params.group("business_profile"), account["business_profile"])
    _change(call, account)
    return announce(call, account, previous)


def delete(call: Call) -> Doc:
    """Close an account whose balance is nil."""
    account = load(call, call.path["id"])
    there = call.tx.run(
        "SELECT 1 FROM balance WHERE account = ? AND (pending <> 0 OR available <> 0)", (account["id"],)
    ).fetchone()
    if there:
        raise InvalidRequest("An account with a balance cannot be deleted.")
    account["deleted"] = True
    call.tx.update(account)
    emit(call.on(account["id"]), "account.application.deauthorized", APPLICATION)
    return {"id": account["id"], "object": "account", "deleted": True}


def list_all(call: Call) -> Doc:
    """List the accounts that are still ours."""
    return listing(call, "account", "/v1/accounts", also=[("json_extract(body, '$.deleted') IS ?", None)])


def list_capabilities(call: Call) -> Doc:
    """List the capabilities of an account."""
    account = load(call, call.path["id"])
    names = list(private(account)["requested"])
    return list_of([capability(account, name) for name in names], f"/v1/accounts/{account['id']}/capabilities")


def own(call: Call) -> Doc:
    """Return the account that asks: a connected one, or the platform."""
    if call.account:
        return load(call, call.account)
    return {
        "id": "acct_platform",
        "object": "account",
        "charges_enabled": True,
        "country": "NL",
        "default_currency": "eur",
        "details_submitted": True,
        "email": "bank@sandbox.invalid",
        "payouts_enabled": True,
        "settings": shapes.new("account_settings"),
        "type": "standard",
    }


ROUTES = (
    route("GET", "/v1/account", "accounts.own", own),
    route("POST", "/v1/accounts", "accounts.create", create, _CREATE),
    listing_route("/v1/accounts", "accounts.list", list_all),
    route("GET", "/v1/accounts/<id>", "accounts.retrieve", lambda call: load(call, call.path["id"])),
    route("POST", "/v1/accounts/<id>", "accounts.update", update, _UPDATE),
    route("DELETE", "/v1/accounts/<id>", "accounts.delete", delete),
    route("GET", "/v1/accounts/<id>/capabilities", "accounts.capabilities.list", list_capabilities),
    route(
        "GET",
        "/v1/accounts/<id>/capabilities/<name>",
        "accounts.capabilities.retrieve",
        lambda call: public(capability(load(call, call.path["id"]), call.path["name"])),
    ),
)
