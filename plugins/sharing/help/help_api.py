"""The API of help: the same use cases as the pages, one transaction each."""

from __future__ import annotations

from flask import url_for
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from marketplace.api import Agreement, InvalidInput, api_v1, db
from plugins.sharing.help import help_answers, help_listings, help_reads
from plugins.sharing.help import help_api_shapes as shapes
from plugins.sharing.help import thanks as thanks_of
from plugins.sharing.help.help_api_shapes import (
    HelpAnswerList,
    HelpAnswerOut,
    HelpChanges,
    HelpOut,
    NewHelp,
    NewHelpAnswer,
    NewThanks,
    ThanksOut,
)
from plugins.sharing.help.help_hooks import ASKED, OFFERED
from plugins.sharing.help.help_models import HelpAnswer
from plugins.sharing.slot.windows import Window

part = api_v1.ApiPart(
    "sharing_help_api",
    scopes={
        "help:read": _l("See help that you ask or give, and its answers"),
        "help:write": _l("Ask for help, offer and answer it in your name"),
    },
)
HELP = "Help"
READ, WRITE = ("help:read",), ("help:write",)
FACTS = ("title", "category", "body_md", "place")
FIELDS = {"day": "starts_at", "until": "ends_at", "until_day": "until"}
"""What the pages call these fields, and what they are called here."""


@part.operation(
    "POST", "/sharing/help", tag=HELP, scopes=WRITE, body=NewHelp, returns=HelpOut, status=201, idempotency="required"
)
def publish_help(call: api_v1.Call[NewHelp, api_v1.Query]) -> api_v1.Reply:
    """Ask for help, or offer it, in public."""
    body = call.body
    try:
        listing = help_listings.publish(
            ASKED if body.side == "asked" else OFFERED,
            call.user,
            facts={"title": body.title, "body_md": body.body_md, "category": body.category, "place": body.place},
            when=help_listings.When(Window(body.starts_at, body.ends_at), body.until),
            people=body.people,
            first_come=body.first_come,
            address=body.address,
        )
    except InvalidInput as error:
        raise InvalidInput({FIELDS.get(name, name): text for name, text in error.errors.items()}) from None
    seen = help_reads.seen(listing.id, call.user)
    return api_v1.Reply(
        shapes.help_(seen), listing.version, location=url_for("sharing_help_api.get_help", help_id=listing.id)
    )


@part.operation("GET", "/sharing/help/{help_id}", tag=HELP, scopes=READ, returns=HelpOut, errors=(404,))
def get_help(call: api_v1.Call[None, api_v1.Query], help_id: int) -> api_v1.Reply:
    """Give help that is asked or offered."""
    seen = help_reads.seen(help_id, call.user)
    return api_v1.Reply(shapes.help_(seen), seen.listing.version)


@part.operation(
    "PATCH", "/sharing/help/{help_id}", tag=HELP, scopes=WRITE, body=HelpChanges, returns=HelpOut, errors=(404, 409),
    versioned=True, idempotency="optional",
)  # fmt: skip
def change_help(call: api_v1.Call[HelpChanges, api_v1.Query], help_id: int) -> api_v1.Reply:
    """Change what is said and how many people it is for. Taking it back is closing the listing of the same number."""
    body = call.body
    help_listings.owned(help_id, call.user)
    now = help_reads.seen(help_id, call.user)
    listing = help_listings.change(
        help_id, call.user, version=call.version(body.version), facts=api_v1.given(body, *FACTS),
        people=now.all if body.people is api_v1.UNSET else body.people,
        address=now.row.address if body.address is api_v1.UNSET else body.address,
    )  # fmt: skip
    return api_v1.Reply(shapes.help_(help_reads.seen(help_id, call.user)), listing.version)


@part.operation("GET", "/sharing/help/{help_id}/answers", tag=HELP, scopes=READ, returns=HelpAnswerList, errors=(404,))
def list_help_answers(call: api_v1.Call[None, api_v1.Query], help_id: int) -> HelpAnswerList:
    """Give the answers to help of one's own, or the own answers to somebody else's."""
    seen = help_reads.seen(help_id, call.user)
    found = select(Agreement, HelpAnswer).join(HelpAnswer, HelpAnswer.agreement_id == Agreement.id)
    found = found.where(HelpAnswer.help_id == help_id).order_by(Agreement.id).limit(500)
    if not seen.is_owner:
        found = found.where(HelpAnswer.member_id == call.user.id)
    return HelpAnswerList(data=[shapes.answer(agreement, row) for agreement, row in db.session.execute(found)])


@part.operation(
    "POST", "/sharing/help/{help_id}/answers", tag=HELP, scopes=WRITE, body=NewHelpAnswer, returns=HelpAnswerOut,
    status=201, errors=(404, 409), idempotency="required",
)  # fmt: skip
def answer_help(call: api_v1.Call[NewHelpAnswer, api_v1.Query], help_id: int) -> api_v1.Reply:
    """Answer: agreed at once where the first comes first, else once the other side chooses."""
    agreement = help_answers.answer(help_id, call.user, call.body.words)
    shown = shapes.answer(agreement, db.session.get_one(HelpAnswer, agreement.id))
    location = url_for("sharing_help_api.list_help_answers", help_id=help_id)
    return api_v1.Reply(shown, agreement.version, location=location)


@part.operation(
    "POST", "/sharing/help/answers/{answer_id}/thanks", tag=HELP, scopes=WRITE, body=NewThanks, returns=ThanksOut,
    errors=(404, 409), idempotency="optional",
)  # fmt: skip
def thank_for_help(call: api_v1.Call[NewThanks, api_v1.Query], answer_id: int) -> ThanksOut:
    """Say thank you for help that was given; said twice, the first stays."""
    return shapes.thanks(thanks_of.give(answer_id, call.user, call.body.words))


blueprint = part.blueprint
