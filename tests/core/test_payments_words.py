"""What people read about money: states, refusals of a bank, ways to pay, what a page says after a click, and what bills say."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask_babel import force_locale
from sqlalchemy import select, update

from marketplace import clock
from marketplace.database import db, transaction
from marketplace.notifications.kinds import sentence
from marketplace.notifications.models import Notification
from marketplace.payments import service
from marketplace.payments.billing import invoices
from marketplace.payments.billing.models import Bill
from marketplace.payments.billing.wording import label_words
from marketplace.payments.bookings import Fee
from marketplace.payments.methods import describe_method
from marketplace.payments.models import Payment, SavedMethod
from marketplace.payments.offline import orders, receipts, reversing
from marketplace.payments.offline.wording import LABELS
from marketplace.payments.wording import STATES, decline_words, state_words
from marketplace.testing.bank import Bank
from marketplace.testing.clients import MarketplaceClient, page_text, refresh
from marketplace.testing.factories import Factories
from marketplace.testing.frozen_clock import FrozenClock
from marketplace.testing.people import Auth
from marketplace.users.models import User
from tests.core.method_world import NOW, SAVE
from tests.core.offline_world import OfflineWorld, eur, without_a_provider
from tests.core.payment_world import ASKS_ALWAYS, VISA, World


def test_a_payments_state_is_said_with_what_went_back_of_it(app: Flask) -> None:
    said = {
        ("succeeded",): ("Paid", "good"),
        ("succeeded", 0, 500, 1): ("Taken back by the bank", "bad"),
        ("succeeded", 500, 500, 1): ("Taken back by the bank", "bad"),
        ("succeeded", 499, 500): ("Partly refunded", ""),
        ("succeeded", 500, 500): ("Refunded", ""),
        ("succeeded", 501, 500): ("Refunded", ""),
        ("declined", 500, 500, 1): ("Declined by the bank", "bad"),
        ("awaiting",): ("Waits for a bank transfer or cash", "warm"),
        ("awaiting", 0, 500, 0, "bank_transfer"): ("Waits for the bank transfer", "warm"),
        ("awaiting", 0, 500, 0, "cash_owner"): ("Waits for the cash", "warm"),
        ("ready", 0, 500, 0, "card"): ("Card saved, not charged yet", "info"),
        ("ready", 0, 500, 0, "bank_transfer"): ("Way to pay chosen, nothing paid yet", "info"),
        ("cancelled", 500, 500): ("Cancelled", ""),
    }
    for facts, words in said.items():
        assert state_words(*facts) == words, facts  # type: ignore[arg-type]


def test_only_a_payment_by_card_speaks_of_a_card_and_payer_and_payee_read_the_same(app: Flask) -> None:
    for state in set(STATES) - {"held"}:  # only a card can be held
        for kind in (None, "sepa_debit", *LABELS):
            for locale in ("en", "nl"):
                with force_locale(locale):
                    said, _tone = state_words(state, kind=kind)
                assert not re.search(r"\b(card|charged|your|kaart|afgeschreven|je)\b", said, re.I), (state, kind, said)


def test_a_refusal_says_what_the_payer_can_do_and_nothing_that_helps_a_thief(app: Flask) -> None:
    plain = "Your bank declined this card. Use another card, or ask your bank."
    said = {
        "insufficient_funds": "There was not enough money on this card. Top it up or use another card.",
        "expired_card": "This card has expired. Use another card.",
        "method_gone": "This card can't be used any more. Use another card.",
        "processing_error": "Something went wrong at the bank. We try again, or you can use another card.",
        **dict.fromkeys(("stolen_card", "lost_card", "fraudulent", "", "None", "do_not_honor"), plain),
    }
    assert {code: decline_words(code) for code in said} == said
    assert decline_words(None) == plain
    for kind in ("sepa_debit", "ideal", None):
        for code in said:
            assert "card" not in decline_words(code, kind), (code, kind)


def test_a_saved_method_is_named_as_on_a_receipt(app: Flask) -> None:
    named = {
        ("card", "visa", "4242"): "Visa ending in 4242",
        ("card", "mastercard", "4444"): "Mastercard ending in 4444",
        ("card", "amex", "0005"): "American Express ending in 0005",
        ("card", "cartes_bancaires", "1001"): "Cartes bancaires ending in 1001",
        ("card", "visa", ""): "Visa",
        ("card", "", "1111"): "Card ending in 1111",
        ("card", "", ""): "Card",
        ("sepa_debit", "sepa_debit", "4300"): "Bank account ending in 4300",
        ("bank_transfer", "", ""): "Bank transfer",
        ("cash_desk", "", ""): "Cash at our desk",
    }
    for (kind, brand, last4), words in named.items():
        method = cast(SavedMethod, SimpleNamespace(kind=kind, brand=brand, last4=last4))
        assert describe_method(method) == words


def test_a_line_of_a_bill_says_how_many_payments_it_stands_for(app: Flask) -> None:
    said = {0: "Fee", 1: "Fee", 2: "Fee (2 payments)", 1000: "Fee (1000 payments)"}
    assert {count: label_words({"label": "Fee", "count": count}) for count in said} == said
    assert label_words({"label": "Fee"}) == "Fee"
    with force_locale("nl"):
        assert label_words({"label": "Vergoeding", "count": 3}) == "Vergoeding (3 betalingen)"


class TestPages:
    """Where a provider is."""

    @pytest.fixture
    def world(self, app: Flask, sandbox: Bank, factories: Factories) -> World:
        """Give a marketplace with a bank."""
        return World(app, sandbox, factories)

    @staticmethod
    def back(url: str) -> str:
        """Give the path and query of where the bank leads."""
        parts = urlsplit(url)
        return f"{parts.path}?{parts.query}"

    def test_each_step_of_paying_is_confirmed_in_a_sentence(
        self, world: World, auth: Auth, client: MarketplaceClient
    ) -> None:
        payer = auth.member()
        payment = service.request_payment(world.agreement(payer), "pledge", eur(5000), strategies=(SAVE, NOW))
        page = page_text(client.get(f"/pay/{payment.id}"))
        assert "A card, on the payment provider's page" in page
        assert "You pay now. If nothing comes of it, the money goes back to you." in page
        assert page.count("It takes some days until your bank has paid.") == 1

        def said(payment: Payment) -> str:
            return page_text(client.get(f"/pay/{payment.id}/return", follow_redirects=True))

        assert "Nothing was paid or saved yet. Try again, or choose another way to pay." in said(payment)
        client.get(self.back(world.fill_in(client.post(f"/pay/{payment.id}", data={"method": "new"}).location, VISA)))
        assert "Thank you. Your card is saved." in said(payment)
        other = world.payment(2000, payer)
        assert "Another card, on the payment provider's page" in page_text(client.get(f"/pay/{other.id}"))
        answer = client.post(f"/pay/{other.id}", data={"method": str(world.method_of(payer.id).id)})
        assert "Thank you. We will use this card." in page_text(client.get(answer.location))
        service.charge(world.fresh(other))
        world.work()
        assert "Thank you for your payment." in said(other)
        late = client.post(f"/pay/{other.id}", data={"method": "new"})
        assert late.status_code == 422
        assert "This payment can't be changed any more." in page_text(late)
        for state in ("charging", "processing", "held"):
            with transaction():
                db.session.execute(update(Payment).where(Payment.id == other.id).values(state=state))
            assert "Thank you for your payment." in said(other), state

    def test_a_bank_that_did_not_approve_is_said(self, world: World) -> None:
        payment = world.charged(card=ASKS_ALWAYS)
        token = service.recovery_path(payment).partition("token=")[2]
        page = world.client.get(f"/pay/{payment.id}/recovered?token={token}")
        assert "Your bank did not approve the payment yet. Try again, or choose another way to pay." in page_text(page)

    def test_the_page_about_money_says_what_was_done_and_what_went_wrong(
        self, world: World, auth: Auth, client: MarketplaceClient
    ) -> None:
        member = auth.member()
        world.save_card(member, VISA)
        card = world.method_of(member.id)
        away = "The payment provider can't be reached at the moment. Try again in a minute."
        world.fault("payment_methods.detach", "error_before")
        remove = f"/account/payments/cards/{card.id}/remove"
        assert away in page_text(client.post(remove, follow_redirects=True))
        assert "The card was removed." in page_text(client.post(remove, follow_redirects=True))
        world.fault("checkout.sessions.create", "error_before")
        assert away in page_text(client.post("/account/payments/cards", follow_redirects=True))
        closed = "The provider's page was closed. Open it again to go on where you were."
        assert closed in page_text(client.get("/account/payments/payouts/again", follow_redirects=True))


class TestByHand:
    """Where no provider is."""

    @pytest.fixture
    def app(self, make_app: Callable[..., Flask]) -> Iterator[Flask]:
        """Give an app that talks to no provider at all."""
        with without_a_provider(make_app) as made:
            yield made

    @pytest.fixture
    def hands(self, app: Flask, factories: Factories, frozen: FrozenClock) -> OfflineWorld:
        """Give a marketplace without a provider, on a morning in March."""
        frozen.at("2027-03-10T09:00:00")
        return OfflineWorld(app, factories)

    @staticmethod
    def notes() -> list[str]:
        """Give what stands at the foot of each bill, in order."""
        refresh()
        return list(db.session.scalars(select(Bill.notes).order_by(Bill.id)))

    def test_a_bill_says_how_it_was_paid_what_it_corrects_and_what_was_kept(
        self, hands: OfflineWorld, frozen: FrozenClock
    ) -> None:
        payment = hands.payment(5000)
        wrong = hands.receive(payment, 5000)
        reversing.reverse(wrong.id, hands.bert.id, "not ours")
        hands.work()
        hands.receive(payment, 5000)
        service.settle(hands.fresh(payment), [Fee("platform fee", eur(200)), Fee("Key service", eur(50))])
        frozen.at("2027-04-02T09:00:00")
        invoices.sweep()
        service.refund(hands.fresh(payment), eur(2500))
        hands.work()
        orders.done(hands.orders()[-1].id, orders.Done(date(2027, 4, 2)), hands.anna.id)
        hands.work()
        invoices.sweep()
        how = f"Paid by: Bank transfer. Received by way of Buurtdeel, agreement {payment.agreement_id}."
        kept = "Kept from what was paid to you; nothing has to be paid."
        assert self.notes() == [
            how, "Corrects R2027-00001: the money had not come in after all.", how, kept,
            "Corrects R2027-00002: refunded.", "Corrects F2027-00001: fees given back.",
        ]  # fmt: skip
        fees = db.session.scalars(select(Bill).where(Bill.kind.in_(("fee_invoice", "fee_credit"))).order_by(Bill.id))
        assert [(bill.subject, [(line["label"], line["count"]) for line in bill.lines]) for bill in fees] == [
            ("Fees of Buurtdeel", [("Platform fee: A bench for the square", 1), ("Key service: A bench for the square", 1)]),
            ("Fees of Buurtdeel", [("Platform fee: A bench for the square", 0)]),
        ]  # fmt: skip

    def test_fees_of_cash_that_the_payee_has_are_kept_from_what_comes_later(
        self, hands: OfflineWorld, frozen: FrozenClock
    ) -> None:
        payment = hands.payment(5000, "cash_owner")
        receipts.enter(hands.request(payment).id, hands.seen(5000), hands.owner.id, payee=True)
        service.settle(hands.fresh(payment), fee=eur(250))
        frozen.at("2027-04-02T09:00:00")
        invoices.sweep()
        owed = "€2.50 of this is kept from what you earn later, because you were paid directly."
        assert self.notes()[-1] == owed

    def test_pages_by_hand_say_what_they_noted(self, hands: OfflineWorld, auth: Auth) -> None:
        payment = hands.payment(5000, "cash_owner")
        owner = auth.client(hands.owner)
        page = owner.get(f"/pay/{payment.id}/received")
        assert 'value="2027-03-10"' in page.text
        assert re.search(r'name="amount"[^>]* value="50"', page.text)
        assert "How much you received" in page_text(page)
        form: dict[str, Any] = {"nonce": "a-form-of-somebody", "received_on": "2027-03-10", "amount": ""}
        empty = owner.post(f"/pay/{payment.id}/received", data=form)
        assert (empty.status_code, "Say how much." in page_text(empty)) == (422, True)
        noted = owner.post(f"/pay/{payment.id}/received", data={**form, "amount": "50"}, follow_redirects=True)
        assert "Thank you. It is noted." in page_text(noted)
        refund = service.refund(hands.fresh(payment), eur(1000))
        hands.work()
        answer = owner.post(f"/pay/{payment.id}/handed-back/{refund.id}", follow_redirects=True)
        assert "Thank you. It is noted." in page_text(answer)
        saved = owner.post("/account/payments/details", data={"name": "Olaf"}, follow_redirects=True)
        assert "Saved." in page_text(saved)
        none = owner.post("/account/payments/cards", follow_redirects=True)
        assert "This site takes no payments through a provider." in page_text(none)

    def test_a_bill_is_announced_in_the_language_in_which_it_is_read(
        self, hands: OfflineWorld, frozen: FrozenClock
    ) -> None:
        payment = hands.payment(5000)
        hands.receive(payment, 5000)
        service.settle(hands.fresh(payment), fee=eur(200))
        frozen.at("2027-04-02T09:00:00")
        invoices.sweep()
        refresh()
        wanted = select(Notification).where(Notification.kind.like("%_written")).order_by(Notification.id)
        told = list(db.session.scalars(wanted))
        said = {"en": [], "nl": []}  # type: dict[str, list[str]]
        for language, lines in said.items():
            with force_locale(language):
                lines += [sentence(one.kind, one.params).replace("\u00a0", " ") for one in told]
        assert said["en"] == ["Your receipt R2027-00001 of €50.", "Your fee invoice F2027-00001 of €2."]
        assert said["nl"] == [
            "Je bon R2027-00001 van € 50 staat klaar.", "Je bijdragefactuur F2027-00001 van € 2 staat klaar.",
        ]  # fmt: skip

    def test_a_payment_has_no_heading_for_refunds_where_there_is_none(self, hands: OfflineWorld, auth: Auth) -> None:
        payment = hands.payment(5000)
        hands.receive(payment, 5200)  # what was too much goes back, and is no refund of the payment
        payer = auth.client(db.session.get_one(User, payment.payer_id))
        assert "Refunds" not in page_text(payer.get(f"/pay/{payment.id}"))
        service.refund(hands.fresh(payment), eur(1000))
        assert "Refunds" in page_text(payer.get(f"/pay/{payment.id}"))

    def test_a_reminder_says_all_that_the_first_mail_said(self, hands: OfflineWorld, frozen: FrozenClock) -> None:
        from marketplace.payments.offline import overdue

        for kind in ("bank_transfer", "cash_desk"):
            payment = hands.payment(5000, kind)
            frozen.at(hands.request(payment).pay_by - timedelta(days=3))
            overdue.sweep()
            hands.work()
            refresh()
            wanted = select(Notification).where(Notification.user_id == payment.payer_id).order_by(Notification.id)
            first, reminder = db.session.scalars(wanted).all()
            assert (first.kind, reminder.kind) == (
                "payment_by_bank" if kind == "bank_transfer" else "payment_in_cash", "payment_reminder",
            )  # fmt: skip
            assert (reminder.params, reminder.url) == (first.params, first.url)
            assert hands.request(payment).reminded_at == clock.now()
            assert db.session.get_one(User, payment.payer_id).id == reminder.user_id
