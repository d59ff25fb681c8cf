"""What borrowers and lenders are told about their loans."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from marketplace.api import NotificationKind

KEY, HAND, ALARM, COIN = "key-round", "handshake", "circle-alert", "shield-check"

NOTIFICATIONS = (
    NotificationKind(
        "sharing.requested", _l("%(person)s would like “%(title)s” from %(start)s."), icon=HAND, required=True
    ),
    NotificationKind(
        "sharing.bundle_asked",
        _l("May “%(title)s” belong to the set “%(set)s”? Your part would be %(percent)s%% of the price."),
        icon=HAND,
        required=True,
    ),
    NotificationKind("sharing.bundle_agreed", _l("“%(title)s” belongs to your set “%(set)s” now."), icon=HAND),
    NotificationKind(
        "sharing.bundle_declined", _l("“%(title)s” can't belong to your set “%(set)s” any more."), icon="circle-x"
    ),
    NotificationKind("sharing.accepted", _l("You can have “%(title)s” from %(start)s."), icon=HAND),
    NotificationKind(
        "sharing.accepted_pay",
        _l("“%(title)s” is reserved for you until %(until)s. Pay or give a card to keep it."),
        group="payments",
        icon="credit-card",
        required=True,
    ),
    NotificationKind("sharing.declined", _l("“%(title)s” can't be lent to you this time."), icon="circle-x"),
    NotificationKind("sharing.booked", _l("%(person)s booked “%(title)s” from %(start)s."), icon=HAND, required=True),
    NotificationKind("sharing.confirmed", _l("“%(title)s” is yours from %(start)s."), icon=HAND),
    NotificationKind(
        "sharing.lapsed",
        _l("Your request for “%(title)s” ended: there was no answer or payment in time."),
        icon="hourglass",
    ),
    NotificationKind(
        "sharing.lapsed_lender",
        _l("A request for “%(title)s” ended: there was no answer or payment in time."),
        icon="hourglass",
        mail=False,
    ),
    NotificationKind(
        "sharing.slot_gone",
        _l("“%(title)s” was taken meanwhile. What you paid goes back to you."),
        group="payments",
        icon=ALARM,
        required=True,
    ),
    NotificationKind(
        "sharing.cancelled", _l("%(person)s cancelled “%(title)s” from %(start)s."), icon="circle-x", required=True
    ),
    NotificationKind(
        "sharing.refunded", _l("%(amount)s for “%(title)s” goes back to you."), group="payments", required=True
    ),
    NotificationKind("sharing.starts", _l("“%(title)s” is handed over on %(start)s."), icon=KEY),
    NotificationKind("sharing.ends", _l("“%(title)s” is due back on %(until)s."), icon=KEY),
    NotificationKind(
        "sharing.overdue",
        _l("“%(title)s” was due back on %(until)s. Bring it back or ask for more time."),
        icon=ALARM,
        required=True,
    ),
    NotificationKind(
        "sharing.overdue_fee",
        _l("“%(title)s” was due back on %(until)s. Each day late costs %(amount)s."),
        icon=ALARM,
        required=True,
    ),
    NotificationKind(
        "sharing.overdue_lender",
        _l("“%(title)s” is overdue since %(until)s. We have reminded %(person)s."),
        icon=ALARM,
        required=True,
    ),
    NotificationKind(
        "sharing.overdue_may_report",
        _l("“%(title)s” is overdue since %(until)s. You may report it lost now."),
        icon=ALARM,
        required=True,
    ),
    NotificationKind(
        "sharing.no_show",
        _l("“%(title)s” was not picked up, says the lender. The booking has ended."),
        icon=ALARM,
        required=True,
    ),
    NotificationKind(
        "sharing.stood_up",
        _l("“%(title)s” was not handed over, says the borrower. The booking has ended."),
        icon=ALARM,
        required=True,
    ),
    NotificationKind(
        "sharing.hand_over",
        _l("%(person)s recorded the hand-over of “%(title)s”. Have a look before %(until)s."),
        icon="circle-check",
        required=True,
    ),
    NotificationKind(
        "sharing.hand_over_closed", _l("The hand-over of “%(title)s” is on record."), icon="circle-check", mail=False
    ),
    NotificationKind("sharing.part_back", _l("A part of “%(title)s” is back."), icon="circle-check", mail=False),
    NotificationKind(
        "sharing.back", _l("“%(title)s” is back. Claims can be made until %(until)s."), icon="circle-check"
    ),
    NotificationKind("sharing.lost", _l("“%(title)s” was reported lost."), icon=ALARM, required=True),
    NotificationKind("sharing.closed", _l("The loan of “%(title)s” is finished. Thank you!"), icon=HAND),
    NotificationKind(
        "sharing.claim",
        _l("%(person)s asks %(amount)s for “%(title)s”. Answer before %(until)s, or it stands."),
        group="payments",
        icon=ALARM,
        required=True,
    ),
    NotificationKind(
        "sharing.claim_offer",
        _l("%(person)s offers %(amount)s for “%(title)s”. Answer before %(until)s, or it stands."),
        group="payments",
        icon="scale",
        required=True,
    ),
    NotificationKind(
        "sharing.claim_agreed",
        _l("The claim about “%(title)s” is settled at %(amount)s."),
        group="payments",
        icon="scale",
        required=True,
    ),
    NotificationKind(
        "sharing.claim_withdrawn", _l("The claim about “%(title)s” was withdrawn."), group="payments", icon="scale"
    ),
    NotificationKind(
        "sharing.claim_pay",
        _l("Pay %(amount)s for “%(title)s”, as was settled."),
        group="payments",
        icon="credit-card",
        required=True,
    ),
    NotificationKind(
        "sharing.deposit_uncovered",
        _l(
            "The card for “%(title)s” can't hold the deposit until the return. It is saved and"
            " can be charged instead; decide before the hand-over whether that is enough."
        ),
        group="payments",
        icon=COIN,
        required=True,
    ),
    NotificationKind(
        "sharing.unpaid",
        _l("%(person)s has not paid %(amount)s for “%(title)s”, and we have stopped trying."),
        group="payments",
        icon=ALARM,
        required=True,
    ),
    NotificationKind(
        "sharing.deposit_refused",
        _l("The bank would not hold the deposit for “%(title)s”."),
        group="payments",
        icon=COIN,
        required=True,
    ),
    NotificationKind(
        "sharing.deposit_ending",
        _l("The deposit for “%(title)s” could not be held any longer than now."),
        group="payments",
        icon=COIN,
        required=True,
    ),
    NotificationKind(
        "sharing.deposit_let_go",
        _l("The bank let go of the deposit for “%(title)s”. The card can still be charged."),
        group="payments",
        icon=COIN,
        required=True,
    ),
    NotificationKind(
        "sharing.deposit_released",
        _l("The deposit of %(amount)s for “%(title)s” is yours again."),
        group="payments",
        icon=COIN,
    ),
    NotificationKind(
        "sharing.extension_asked",
        _l("%(person)s would like to keep “%(title)s” until %(until)s."),
        icon="clock",
        required=True,
    ),
    NotificationKind("sharing.extended", _l("You may keep “%(title)s” until %(until)s."), icon="clock"),
    NotificationKind(
        "sharing.extended_lender", _l("“%(title)s” now comes back on %(until)s."), icon="clock", mail=False
    ),
    NotificationKind("sharing.extension_refused", _l("“%(title)s” is due back on %(until)s, as agreed."), icon="clock"),
    NotificationKind(
        "sharing.moved", _l("Another one like it is reserved for you: “%(title)s” from %(start)s."), icon="repeat"
    ),
)
