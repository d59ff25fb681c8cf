"""What buyers and owners are told about purchases."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from marketplace.api import NotificationKind

TAG, HAND, ALARM, GLASS = "tag", "handshake", "circle-alert", "hourglass"


def _kind(name: str, text: object, icon: str = TAG, **more: object) -> NotificationKind:
    return NotificationKind(f"sharing.buy_{name}", text, icon=icon, **more)  # type: ignore[arg-type]


NOTIFICATIONS = (
    _kind("requested", _l("%(person)s would like to buy “%(title)s” for %(amount)s."), HAND, required=True),
    _kind("accepted_pay", _l("You can buy “%(title)s”. Pay %(amount)s before %(until)s to keep it."), "credit-card",
        group="payments", required=True),
    _kind("agreed", _l("“%(title)s” is yours: pick it up before %(until)s."), HAND, required=True),
    _kind("agreed_owner", _l("%(person)s bought “%(title)s”, and picks it up before %(until)s."), HAND, required=True),
    _kind("declined", _l("“%(title)s” is not sold to you this time."), "circle-x"),
    _kind("released", _l("“%(title)s” has been sold to somebody else. Thank you for asking!"), "hand-heart"),
    _kind("lapsed", _l("Your wish to buy “%(title)s” ended: there was no answer or payment in time."), GLASS),
    _kind("lapsed_owner", _l("%(person)s does not buy “%(title)s”: there was no answer or payment in time."), GLASS,
        mail=False),
    _kind("gone", _l("“%(title)s” went to somebody else meanwhile. What you paid goes back to you."), ALARM,
        group="payments", required=True),
    _kind("cancelled", _l("%(person)s does not buy “%(title)s” after all."), "circle-x", required=True),
    _kind("called_off", _l("The sale of “%(title)s” was called off. You get everything back."), ALARM, required=True),
    _kind("soon", _l("Pick “%(title)s” up before %(until)s, or the sale is called off."), GLASS),
    _kind("not_fetched", _l("“%(title)s” was not picked up in time. You get everything back."), ALARM, required=True),
    _kind("not_fetched_owner", _l("%(person)s did not pick “%(title)s” up in time. It can be had by others again."), GLASS,
        required=True),
    _kind("handed_over", _l("%(person)s handed “%(title)s” over to you. If something is wrong, say so before %(until)s."),
        HAND, required=True),
    _kind("problem", _l("%(person)s says that something is wrong with “%(title)s”. Answer before %(until)s."), ALARM,
        required=True),
    _kind("contested", _l("%(person)s does not agree about “%(title)s”. An operator decides before %(until)s."), "scale",
        required=True),
    _kind("undone", _l("The sale of “%(title)s” is undone. Give it back to %(person)s."), ALARM, required=True),
    _kind("undone_owner", _l("The sale of “%(title)s” is undone. %(person)s gives it back to you."), ALARM, required=True),
    _kind("refunded", _l("%(amount)s for “%(title)s” goes back to you."), "rotate-ccw", group="payments", required=True),
    _kind("completed", _l("“%(title)s” is yours for good. Enjoy it!"), HAND),
    _kind("completed_owner", _l("“%(title)s” is sold."), TAG),
)  # fmt: skip
