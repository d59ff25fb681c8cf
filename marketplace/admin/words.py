"""How states read on the operator's pages, and which colour their badges have."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l

from marketplace.payments.wording import PAYOUT_STATES, STATES
from marketplace.runtime import listing_kind

Words = dict[str, tuple[Any, str]]

MEMBER: Words = {
    "active": (_l("Active"), "good"),
    "blocked": (_l("Blocked"), "bad"),
    "closed": (_l("Account closed"), ""),
}
ROLE: Words = {"member": (_l("Member"), ""), "operator": (_l("Operator"), "info")}
LISTING: Words = {
    "draft": (_l("Draft"), ""),
    "published": (_l("Published"), "good"),
    "closed": (_l("Closed"), ""),
    "removed": (_l("Removed"), "bad"),
}
PHASE: Words = {
    "proposed": (_l("Proposed"), "warm"),
    "agreed": (_l("Agreed"), "info"),
    "active": (_l("Under way"), "info"),
    "completed": (_l("Completed"), "good"),
    "cancelled": (_l("Cancelled"), ""),
    "failed": (_l("Failed"), "bad"),
}
PAYMENT: Words = {**STATES, "action_required": (_l("Waits for the payer's bank"), "warm")}
ATTEMPT: Words = {
    "open": (_l("Begun"), "info"),
    "processing": (_l("At the bank"), "info"),
    "needs_payer": (_l("Waits for the payer"), "warm"),
    "unknown": (_l("Outcome unknown"), "bad"),
    "succeeded": (_l("Succeeded"), "good"),
    "surplus": (_l("Surplus, goes back"), "warm"),
    "declined": (_l("Declined"), "bad"),
    "closed": (_l("Closed"), ""),
}
ATTEMPT_KIND: Words = {
    "setup": (_l("Save a card"), ""),
    "charge": (_l("Payment"), ""),
    "hold": (_l("Hold on a card"), ""),
    "refund": (_l("Refund"), ""),
    "transfer": (_l("Transfer to the owner"), ""),
    "onboard": (_l("Open an account"), ""),
    "reversal": (_l("Take a transfer back"), ""),
    "evidence": (_l("Send evidence"), ""),
    "concede": (_l("Give a chargeback up"), ""),
}
REFUND: Words = {
    "waiting": (_l("Being sent"), "info"),
    "sent": (_l("On its way"), "info"),
    "succeeded": (_l("Returned"), "good"),
    "failed": (_l("Could not be returned"), "bad"),
}
PAYOUT: Words = {**PAYOUT_STATES, "waiting_account": (_l("Waits for the member's account"), "warm")}
DISPUTE: Words = {
    "needs_response": (_l("Wants an answer"), "bad"),
    "inquiry": (_l("The bank asks"), "warm"),
    "inquiry_review": (_l("The bank reads the answer"), "info"),
    "inquiry_closed": (_l("The bank let it be"), "good"),
    "under_review": (_l("The bank decides"), "info"),
    "won": (_l("Won"), "good"),
    "lost": (_l("Lost"), "bad"),
    "prevented": (_l("Prevented"), ""),
}
DEBT: Words = {"open": (_l("Open"), "warm"), "settled": (_l("Settled"), "")}
DIFFERENCE: Words = {"open": (_l("Open"), "warm"), "gone": (_l("Agrees now"), "good"), "settled": (_l("Settled"), "")}
DIFFERENCE_KIND: Words = {
    "unknown_here": (_l("The books know nothing of it"), ""),
    "unknown_there": (_l("The provider knows nothing of it"), ""),
    "amount": (_l("The amounts differ"), ""),
    "balance": (_l("The totals differ"), ""),
}
DIFFERENCE_WHY: Words = {
    "fee_not_booked": (_l("It is the provider's fee, which is not booked."), ""),
    "not_asked_by_us": (_l("Somebody paid at the provider without being asked by this site."), ""),
    "refunded_elsewhere": (_l("A refund that was not made on this site."), ""),
    "other_account": (_l("Booked here, perhaps with another account of the provider."), ""),
}
DEBT_ENTRY: Words = {
    "netted": (_l("Kept from earnings"), ""),
    "repaid": (_l("Repaid"), ""),
    "written_off": (_l("Written off"), ""),
}
BURDEN: Words = {
    "held": (_l("Held for the agreement"), ""),
    "fees": (_l("The platform's fee"), ""),
    "payable": (_l("The owner's earnings"), ""),
    "reserve": (_l("The owner's reserve"), ""),
    "debt": (_l("The owner owes it"), ""),
    "platform": (_l("The platform"), ""),
}
EVENT: Words = {
    "received": (_l("Received"), "info"),
    "applied": (_l("Applied"), "good"),
    "parked": (_l("Needs an operator"), "bad"),
    "ignored": (_l("Not ours"), ""),
    "dead": (_l("Given up"), "bad"),
}
JOB: Words = {
    "queued": (_l("Waits"), "info"),
    "running": (_l("Runs"), "info"),
    "done": (_l("Done"), "good"),
    "dead": (_l("Failed for good"), "bad"),
}
ENDPOINT: Words = {
    "active": (_l("On"), "good"),
    "paused": (_l("Paused"), ""),
    "disabled": (_l("Switched off after failures"), "bad"),
}
DELIVERY: Words = {
    "waiting": (_l("On its way"), "info"),
    "delivered": (_l("Arrived"), "good"),
    "failed": (_l("Given up"), "bad"),
    "stopped": (_l("Not sent"), "warm"),
}
REPORT: Words = {
    "forbidden": (_l("Against the rules"), "bad"),
    "unsafe": (_l("Dangerous"), "bad"),
    "fraud": (_l("Fraud"), "bad"),
    "wrong": (_l("Misleading"), "warm"),
    "other": (_l("Something else"), ""),
}
ACCOUNT: Words = {
    "asset": (_l("Asset"), ""),
    "liability": (_l("Liability"), ""),
    "income": (_l("Income"), ""),
    "expense": (_l("Expense"), ""),
    "equity": (_l("Equity"), ""),
}
ACCOUNT_ROLE: Words = {
    "provider_clearing": (_l("At the payment provider"), ""),
    "provider_fees": (_l("Paid to the provider"), ""),
    "platform_fees": (_l("Earned by the platform"), ""),
    "platform_bank": (_l("On the platform's bank account"), ""),
    "platform_cash": (_l("In the platform's cash box"), ""),
    "cash_with_members": (_l("Cash between members"), ""),
    "tax_payable": (_l("Tax to be paid"), ""),
    "matching_funds": (_l("Sponsors' money"), ""),
    "write_offs": (_l("Written off"), ""),
}
OWNER: Words = {
    "platform": (_l("Platform"), ""),
    "member": (_l("Members"), ""),
    "agreement": (_l("Agreements"), ""),
}
BOOKING: Words = {
    "Charge": (_l("Charge"), ""),
    "The provider's fee": (_l("The provider's fee"), ""),
    "Received by hand": (_l("Received by hand"), ""),
    "A receipt that was wrong": (_l("A receipt that was wrong"), ""),
    "Settlement undone": (_l("Settlement undone"), ""),
    "Refund by hand": (_l("Refund by hand"), ""),
    "Pay-out by hand": (_l("Pay-out by hand"), ""),
    "Paid straight to the payee": (_l("Paid straight to the payee"), ""),
    "Settlement": (_l("Settlement"), ""),
    "Taken back for a refund": (_l("Taken back for a refund"), ""),
    "Refund": (_l("Refund"), ""),
    "Refund that came back": (_l("Refund that came back"), ""),
    "Pay-out": (_l("Pay-out"), ""),
    "Hold expired": (_l("Hold expired"), ""),
    "Held on a card": (_l("Held on a card"), ""),
    "Hold ended": (_l("Hold ended"), ""),
    "Exchanged by the provider": (_l("Exchanged by the provider"), ""),
    "Paid to our bank by the provider": (_l("Paid to our bank by the provider"), ""),
    "A pay-out to our bank that came back": (_l("A pay-out to our bank that came back"), ""),
    "A pay-out to our bank that was cancelled": (_l("A pay-out to our bank that was cancelled"), ""),
    "Sent from our bank to the provider": (_l("Sent from our bank to the provider"), ""),
    "A top-up that came back": (_l("A top-up that came back"), ""),
    "The provider's bill": (_l("The provider's bill"), ""),
    "Tax on the provider's bill": (_l("Tax on the provider's bill"), ""),
    "Chargeback": (_l("Chargeback"), ""),
    "Chargeback won": (_l("Chargeback won"), ""),
    "The provider's fee for a dispute": (_l("The provider's fee for a dispute"), ""),
    "Pay-out taken back": (_l("Pay-out taken back"), ""),
    "Set aside for chargebacks": (_l("Set aside for chargebacks"), ""),
    "Reserve freed": (_l("Reserve freed"), ""),
    "Kept from earnings for what is owed": (_l("Kept from earnings for what is owed"), ""),
    "Repaid by a member": (_l("Repaid by a member"), ""),
    "Written off": (_l("Written off"), ""),
    "Given back after a refund failed": (_l("Given back after a refund failed"), ""),
    "Refund beyond what was held": (_l("Refund beyond what was held"), ""),
}
"""The ledger keeps its texts in English, as they were booked; pages translate those they know."""
TRANSFER: Words = {
    "posted": (_l("Booked"), ""),
    "pending": (_l("Held"), ""),
    "post_pending": (_l("Hold taken"), ""),
    "void_pending": (_l("Hold released"), ""),
}
LEVEL: Words = {"error": (_l("Error"), "bad"), "warning": (_l("Warning"), "warm")}

TABLES: dict[str, Words] = {
    "member": MEMBER,
    "role": ROLE,
    "listing": LISTING,
    "phase": PHASE,
    "payment": PAYMENT,
    "attempt": ATTEMPT,
    "attempt_kind": ATTEMPT_KIND,
    "refund": REFUND,
    "payout": PAYOUT,
    "dispute": DISPUTE,
    "debt": DEBT,
    "debt_entry": DEBT_ENTRY,
    "difference": DIFFERENCE,
    "difference_kind": DIFFERENCE_KIND,
    "difference_why": DIFFERENCE_WHY,
    "burden": BURDEN,
    "event": EVENT,
    "job": JOB,
    "endpoint": ENDPOINT,
    "delivery": DELIVERY,
    "report": REPORT,
    "account": ACCOUNT,
    "account_role": ACCOUNT_ROLE,
    "owner": OWNER,
    "booking": BOOKING,
    "transfer": TRANSFER,
    "level": LEVEL,
}


def words(table: str, state: str) -> tuple[Any, str]:
    """Give the words and the tone of a state; one that nobody has words for reads as it is."""
    return TABLES[table].get(state, (state.replace("_", " "), ""))


def booking_label(description: str) -> str:
    """Give what a booking was for in the reader's language; a remark in brackets stays as it was booked."""
    known, bracket, remark = description.partition(" (")
    return str(BOOKING[known][0]) + bracket + remark if known in BOOKING else description


def options(table: str) -> list[tuple[str, Any]]:
    """List the states of a table with their words, for filters."""
    return [(state, pair[0]) for state, pair in TABLES[table].items()]


def listing_kind_label(name: str) -> Any:
    """Give the kind's name in the reader's language, or its bare name while its plugin is off."""
    kind = listing_kind(name)
    return kind.label if kind is not None else name
