"""What members and operators do through HTTP, and what each acknowledged act promises about the books."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

from marketplace.demo.bank_visit import answer_questions, save_card
from tests.crash.client import Answer, NoAnswer
from tests.crash.people import Person

CURRENCY = "EUR"
FEE_PERCENT = 5
NEW_CARD = "4242424242424242"


class Surprise(AssertionError):
    """An answer that no crash and no fault explains."""


@dataclass
class Promise:
    """A pledge as its backer knows it: what was acknowledged, and so must be in the books in the end.

    Amounts are in minor units. `card` is what the pledge was made with, `mended` that a good one was given later.
    """

    campaign_id: int
    backer: Person
    amount: int
    card: str
    agreement_id: int = 0
    payment_id: int = 0
    ended: str = ""
    """"cancelled" once its backer withdrew it, "lapsed" when its card was not saved in time."""

    mended: bool = False
    approved: bool = False
    refunded: int = 0
    fee_back: int = 0
    charged_back: str = ""
    """"won" or "lost" once the payer's bank asked for the money."""

    @property
    def fee(self) -> int:
        """Give what the platform keeps of it: five per cent, halves rounded up, less what refunds gave back."""
        return (self.amount * FEE_PERCENT + 50) // 100 - self.fee_back

    @property
    def earned(self) -> int:
        """Give what is its owner's in the end."""
        return self.amount - self.refunded - self.fee

    @property
    def good(self) -> bool:
        """Tell whether the money can be had in the end."""
        if self.card == "refused":
            return self.mended
        return self.card != "asks" or self.approved or self.mended


def expect(answer: Answer, *statuses: int) -> Answer:
    """Give an answer of one of these statuses; raises Surprise for any other."""
    if answer.status not in statuses:
        raise Surprise(f"{answer.status} instead of {statuses}: {answer.text[:400]}")
    return answer


def money(minor: int) -> dict[str, Any]:
    """Write an amount for the API."""
    return {"minor": minor, "currency": CURRENCY}


def key(dice: random.Random) -> str:
    """Make an idempotency key."""
    return f"{dice.getrandbits(96):024x}"


def place(promise: Promise, dice: random.Random, new_cards: float) -> None:
    """Pledge: by a program, by the site's form, or with the chance `new_cards` with a card that is saved on the way."""
    if promise.card == "good" and dice.random() < new_cards:
        _with_new_card(promise, dice)
    elif dice.random() < 0.7:
        _by_program(promise, dice)
    else:
        _by_form(promise, dice)


def _by_program(promise: Promise, dice: random.Random, method: bool = True) -> None:
    body = {"amount": money(promise.amount)}
    if method:
        body["method_id"] = promise.backer.cards[promise.card]
    client = promise.backer.client
    made = expect(client.program("POST", f"/campaigns/{promise.campaign_id}/pledges", body, key(dice)), 201).json
    promise.agreement_id, promise.payment_id = made["id"], made["payment_id"]


def _by_form(promise: Promise, dice: random.Random) -> None:
    client = promise.backer.client
    amount = f"{promise.amount // 100}.{promise.amount % 100:02}"
    answer = client.form(
        f"/campaigns/{promise.campaign_id}/pledge",
        nonce=key(dice), reward="0", amount=amount, method=promise.backer.cards[promise.card],
    )  # fmt: skip
    promise.agreement_id = int(expect(answer, 302, 303).place.rpartition("/")[2])
    promise.payment_id = seen(promise)["payment_id"]


def _with_new_card(promise: Promise, dice: random.Random) -> None:
    """Pledge first, then save a card on the bank's page and come back, as a new member does."""
    _by_program(promise, dice, method=False)
    client = promise.backer.client
    path = f"/payments/{promise.payment_id}/checkout"
    for _trial in range(20):
        answer = client.program("POST", path, key=key(dice))
        if answer.status == 201:
            back = save_card(answer.json["url"], NEW_CARD, "B. Acker")
            client.page(back)
        state = seen(promise)["state"]
        if state == "lapsed":  # on a slow machine the quarter of an hour is over before a card is saved
            promise.ended = state
        if state != "unconfirmed":
            return
    raise NoAnswer(f"pledge {promise.agreement_id} could not be given a card")


def seen(promise: Promise) -> Any:
    """Look at a pledge as its backer."""
    return expect(promise.backer.client.program("GET", f"/pledges/{promise.agreement_id}"), 200).json


def change(promise: Promise, amount: int, dice: random.Random) -> None:
    """Change a pledge's amount."""
    client = promise.backer.client
    expect(client.program("PATCH", f"/pledges/{promise.agreement_id}", {"amount": money(amount)}, key(dice)), 200)
    promise.amount = amount


def cancel(promise: Promise, dice: random.Random) -> None:
    """Withdraw a pledge."""
    path = f"/agreements/{promise.agreement_id}/transitions"
    expect(promise.backer.client.program("POST", path, {"name": "cancel"}, key(dice)), 200)
    promise.ended = "cancelled"


def mend(promise: Promise) -> None:
    """Pay with a good card after the first one was refused."""
    client, method = promise.backer.client, promise.backer.cards["good"]
    path = f"/payments/{promise.payment_id}"
    answer = expect(client.program("PUT", f"{path}/method", {"method_id": method}), 200, 409)
    if answer.status == 409:  # the answer to the first request was lost, and the charge is under way
        now = expect(client.program("GET", path), 200).json
        if now["method_id"] != method:
            raise Surprise(f"a new card was refused: {answer.text[:400]}")
    promise.mended = True


def approve(promise: Promise) -> None:
    """Answer the bank's question about a charge."""
    client = promise.backer.client
    for _trial in range(40):
        if expect(client.program("GET", f"/payments/{promise.payment_id}"), 200).json["state"] != "action_required":
            promise.approved = True
            return
        answer = client.form(f"/pay/{promise.payment_id}/recover")
        if answer.status == 303 and "/3ds/" in answer.place:
            answer = client.elsewhere(answer.place, answer="yes")
        if answer.place:
            client.page(answer.place)
    raise NoAnswer(f"payment {promise.payment_id} could not be approved")


def refund(promise: Promise, operator: Person, minor: int) -> None:
    """Give back a part of what was charged, on the operator's page, once."""
    path = f"/operator/payments/{promise.payment_id}/refund"
    left = promise.amount - promise.refunded
    facts = {"amount": f"{minor // 100}.{minor % 100:02}", "reason": "crash test", "left": left, "sure": "1"}
    answer = expect(operator.client.form(path, **facts), 302, 303, 409, 422)
    if answer.status in (409, 422):  # asked again after a lost answer: what is left is no longer what was left
        now = expect(promise.backer.client.program("GET", f"/payments/{promise.payment_id}"), 200).json
        if now["refunded"]["minor"] != promise.refunded + minor:
            raise Surprise(f"a refund was refused: {now}")
    promise.fee_back += (2 * promise.fee * minor + left) // (2 * left)  # in proportion, halves rounded up
    promise.refunded += minor


def onboard(owner: Person, dice: random.Random) -> None:
    """Tell the bank where to pay out; what was earned follows by itself."""
    for _trial in range(20):
        answer = owner.client.program("POST", "/me/payout-account", key=key(dice))
        if answer.status == 201:
            owner.client.page(answer_questions(answer.json["url"]))
        now = expect(owner.client.program("GET", "/me/payout-account"), 200).json
        if now["opened"] and not now["requirements"]:
            return
    raise NoAnswer(f"member {owner.id} could not open an account")
