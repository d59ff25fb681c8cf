"""The pages of conversations: inbox, one conversation, the first message, reports and blocks."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import current_user, login_required
from werkzeug.routing import BuildError

from marketplace import access
from marketplace.agreements.models import Agreement
from marketplace.database import db, transaction
from marketplace.errors import DomainError, NotFound
from marketplace.extensions import limiter
from marketplace.listings.models import Listing
from marketplace.messages import inbox as rows
from marketplace.messages import moderation, service
from marketplace.messages.forms import Empty, MessageForm, ReportForm
from marketplace.messages.models import Message, Thread
from marketplace.runtime import listing_kind

blueprint = Blueprint("messages", __name__, url_prefix="/messages")

# People write fast when they make an appointment; programs write faster.
OFTEN = "20 per minute; 200 per hour"


def _thread(thread_id: int) -> Thread:
    """Give a conversation that the reader may see; anything else looks as if it did not exist."""
    thread = db.session.get(Thread, thread_id)
    if thread is None:
        raise NotFound(_("This page does not exist, or is not for you."))
    access.require(current_user, "thread.see", thread)
    return thread


def listing_path(listing: tuple[int, str, str] | None) -> str:
    """Give the address of a listing of (id, kind, slug), or "" while its kind is switched off."""
    kind = listing_kind(listing[1]) if listing else None
    if listing is None or kind is None:
        return ""
    try:
        return current_app.url_for(kind.endpoint, listing_id=listing[0], slug=listing[2])
    except BuildError:
        return ""


@blueprint.get("")
@login_required
def inbox() -> str:
    """List the member's conversations."""
    before = request.args.get("before", type=int)
    lines = rows.threads(current_user.id, before=before, limit=rows.PAGE + 1)
    shown = lines[: rows.PAGE]
    older = url_for(".inbox", before=shown[-1].last_message_id) if len(lines) > rows.PAGE else ""
    newest = url_for(".inbox") if before else ""
    return render_template("messages/inbox.html", lines=shown, older=older, newest=newest)


@blueprint.route("/<int:thread_id>", methods=["GET", "POST"])
@login_required
@limiter.limit(OFTEN, methods=["POST"])
def thread(thread_id: int) -> Any:
    """Show a conversation, and take a reply to it."""
    found = _thread(thread_id)
    form = MessageForm()
    if form.validate_on_submit():
        try:
            service.post(thread_id, current_user.id, form.body.data or "", form_key=form.form_key.data)
            return redirect(url_for(".thread", thread_id=thread_id, _anchor="latest"))
        except DomainError as error:
            form.refuse(error)
    return _page(found, form)


def _page(found: Thread, form: MessageForm) -> Any:
    before = request.args.get("before", type=int)
    party = service.is_party(found.id, current_user.id)
    if party and not before:
        service.mark_read(found.id, current_user.id)
    form.form_key.data = form.form_key.data or service.fresh_key()
    lines = rows.messages(found.id, before=before, limit=rows.LATEST + 1)
    earlier = url_for(".thread", thread_id=found.id, before=lines[1].id) if len(lines) > rows.LATEST else ""
    head = rows.head(found, current_user.id)
    page = render_template(
        "messages/thread.html",
        thread=found,
        head=head,
        listing_url=listing_path(head.listing),
        lines=lines[-rows.LATEST :],
        earlier=earlier,
        before=before,
        party=party,
        form=form,
        button_form=Empty(formdata=None),
    )
    return page, 422 if form.errors or form.form_errors else 200


@blueprint.route("/about-listing/<int:listing_id>", methods=["GET", "POST"])
@login_required
@limiter.limit(OFTEN, methods=["POST"])
def ask(listing_id: int) -> Any:
    """Ask a listing's owner something; once asked, the conversation itself is the place."""
    listing = db.session.get(Listing, listing_id)
    known = service.find(f"listing:{listing_id}:{current_user.id}")
    if listing is None or (known is None and listing.state not in ("published", "closed")):
        raise NotFound(_("This page does not exist, or is not for you."))
    if known is not None and request.method == "GET":
        return redirect(url_for(".thread", thread_id=known))
    back = listing_path((listing.id, listing.kind, listing.slug))
    return _first(listing.title, back, lambda: service.about_listing(listing, current_user.id))


@blueprint.route("/about-agreement/<int:agreement_id>", methods=["GET", "POST"])
@login_required
@limiter.limit(OFTEN, methods=["POST"])
def discuss(agreement_id: int) -> Any:
    """Write to the other party of an agreement."""
    agreement = db.session.get(Agreement, agreement_id)
    if agreement is None or current_user.id not in (agreement.owner_id, agreement.member_id):
        raise NotFound(_("This page does not exist, or is not for you."))
    known = service.find(f"agreement:{agreement_id}")
    if known is not None and request.method == "GET":
        return redirect(url_for(".thread", thread_id=known))
    title = db.session.get_one(Listing, agreement.listing_id).title
    return _first(title, f"/agreements/{agreement_id}", lambda: service.about_agreement(agreement))


def _first(title: str, back: str, opened: Any) -> Any:
    """Take the message that opens a conversation; without it there is none."""
    form = MessageForm()
    if form.validate_on_submit():
        try:
            with transaction():
                found = opened()
                service.post(found.id, current_user.id, form.body.data or "", form_key=form.form_key.data)
            return redirect(url_for(".thread", thread_id=found.id, _anchor="latest"))
        except DomainError as error:
            form.refuse(error)
    form.form_key.data = form.form_key.data or service.fresh_key()
    page = render_template("messages/first.html", title=title, back=back, form=form)
    return page, 422 if form.errors or form.form_errors else 200


@blueprint.route("/<int:thread_id>/report/<int:message_id>", methods=["GET", "POST"])
@login_required
@limiter.limit(OFTEN, methods=["POST"])
def report(thread_id: int, message_id: int) -> Any:
    """Tell the operators about a message."""
    found = _thread(thread_id)
    message = db.session.get(Message, message_id)
    if message is None or message.thread_id != found.id or message.sender_id == current_user.id:
        raise NotFound(_("This page does not exist, or is not for you."))
    form = ReportForm()
    if form.validate_on_submit():
        try:
            moderation.report(message_id, current_user.id, form.reason.data or "")
        except DomainError as error:
            form.refuse(error)
        else:
            flash(_("Thank you. An operator will look at it."), "success")
            return redirect(url_for(".thread", thread_id=thread_id))
    page = render_template("messages/report.html", thread=found, message=message, form=form)
    return page, 422 if form.errors or form.form_errors else 200


@blueprint.post("/<int:thread_id>/block")
@login_required
def block(thread_id: int) -> Any:
    """Take no more messages from the other party."""
    head = rows.head(_thread(thread_id), current_user.id)
    if head.other_id is not None and service.is_party(thread_id, current_user.id):
        moderation.block(current_user.id, head.other_id)
        flash(_("You get no more messages from %(name)s.", name=head.other), "success")
    return redirect(url_for(".thread", thread_id=thread_id))


@blueprint.post("/<int:thread_id>/unblock")
@login_required
def unblock(thread_id: int) -> Any:
    """Take messages from the other party again."""
    head = rows.head(_thread(thread_id), current_user.id)
    if head.other_id is not None:
        moderation.unblock(current_user.id, head.other_id)
        flash(_("You get messages from %(name)s again.", name=head.other), "success")
    return redirect(url_for(".thread", thread_id=thread_id))
