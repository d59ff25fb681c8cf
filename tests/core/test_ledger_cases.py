"""The worked cases of docs/money.md, with the same numbers."""

import pytest
from flask import Flask

from marketplace import clock
from marketplace.ledger import accounts, service
from marketplace.ledger.errors import Overdraft
from tests.core.ledger_books import (
    BANK,
    CLEARING,
    COSTS,
    FEES,
    HELD,
    LOSSES,
    MATCHING,
    OWED,
    OWNER,
    RESERVE,
    available,
    book,
    eur,
    move,
    proven,
    standing,
)


def charge(key: str = "pi_1:charged") -> None:
    """Book a pledge of 50.00 that was charged, with the provider's fee of 1.00."""
    book(move(CLEARING, HELD, 5000), move(COSTS, CLEARING, 100), key=key)


def settle() -> None:
    """Book the settlement of that pledge: 5 % to the platform, the rest to the owner."""
    book(move(HELD, OWNER, 4750), move(HELD, FEES, 250), key="agreement:7:settled")


def pay_out() -> None:
    book(move(OWNER, CLEARING, 4750), key="po_1:paid")


def test_a_pledge_ends_at_its_owner_less_the_fee(app: Flask) -> None:
    charge()
    assert (standing(CLEARING), standing(HELD), standing(COSTS)) == (4900, 5000, 100)
    settle()
    pay_out()
    assert (standing(HELD), standing(OWNER), standing(FEES), standing(CLEARING)) == (0, 0, 250, 150)
    assert proven()


def test_a_refund_costs_what_the_provider_keeps(app: Flask) -> None:
    charge()
    book(move(HELD, CLEARING, 5000), key="re_1:refunded")
    assert (standing(HELD), standing(CLEARING), standing(COSTS)) == (0, -100, 100)
    assert proven()


def test_a_refund_never_exceeds_what_is_held(app: Flask) -> None:
    charge()
    with pytest.raises(Overdraft):
        book(move(HELD, CLEARING, 5001))
    assert standing(HELD) == 5000
    assert proven()


def test_a_chargeback_before_pay_out_that_is_won_restores_the_books(app: Flask) -> None:
    charge()
    book(move(HELD, CLEARING, 5000), key="dp_1:withdrawn")
    book(move(COSTS, CLEARING, 2000), key="dp_1:fee")
    assert (standing(HELD), standing(CLEARING)) == (0, -2100)
    service.reverse("dp_1:withdrawn", "dp_1:reinstated", description="Dispute won")
    assert (standing(HELD), standing(CLEARING), standing(COSTS)) == (5000, 2900, 2100)
    assert proven()


def test_a_chargeback_after_pay_out_is_carried_by_the_reserve_then_the_owner_then_the_platform(app: Flask) -> None:
    charge()
    settle()
    book(move(OWNER, RESERVE, 950), key="agreement:7:reserved")
    book(move(OWNER, CLEARING, 3800), key="po_1:paid")
    book(move(RESERVE, CLEARING, 950), move(OWED, CLEARING, 4050), key="dp_1:withdrawn")
    assert (standing(RESERVE), standing(OWED), standing(CLEARING)) == (0, 4050, -3900)
    book(move(BANK, OWED, 1000), key="owner:2:repaid")
    book(move(LOSSES, OWED, 3050), key="owner:2:written-off")
    assert (standing(OWED), standing(LOSSES), standing(BANK)) == (0, 3050, 1000)
    assert proven()


def test_a_chargeback_after_pay_out_that_is_won_gives_reserve_and_owner_back_what_they_carried(app: Flask) -> None:
    charge()
    settle()
    book(move(OWNER, RESERVE, 950))
    book(move(OWNER, CLEARING, 3800))
    book(move(RESERVE, CLEARING, 950), move(OWED, CLEARING, 4050), key="dp_1:withdrawn")
    service.reverse("dp_1:withdrawn", "dp_1:reinstated", description="Dispute won")
    assert (standing(RESERVE), standing(OWED), standing(CLEARING)) == (950, 0, 1100)
    assert proven()


def test_a_deposit_is_taken_in_part_and_the_rest_is_free(app: Flask) -> None:
    held = service.hold("pi_2:authorised", CLEARING, HELD, eur(10000), description="Deposit", expires_at=clock.now())
    assert (standing(HELD), available(HELD), service.balance(HELD.code).pending) == (0, 0, eur(10000))
    service.post_pending("pi_2:captured", held.transfer_ids[0], eur(3000), description="Damage")
    book(move(HELD, OWNER, 3000), key="agreement:7:damage")
    assert (standing(HELD), standing(OWNER), service.balance(HELD.code).pending) == (0, 3000, eur(0))
    assert proven()


def test_a_metered_bill_moves_what_was_used_with_its_fee_apart(app: Flask) -> None:
    used = eur(37).times(29)
    book(move(CLEARING, HELD, used.minor), move(HELD, OWNER, 966), move(HELD, FEES, 107), key="meter:7:2026-11")
    assert (used, standing(HELD), standing(OWNER), standing(FEES)) == (eur(1073), 0, 966, 107)
    assert proven()


def test_a_correction_is_a_reversal_and_the_right_booking(app: Flask) -> None:
    charge()
    book(move(HELD, OWNER, 4570), move(HELD, FEES, 430), key="agreement:7:settled")
    service.reverse("agreement:7:settled", "agreement:7:settled:undone", description="Wrong fee")
    book(move(HELD, OWNER, 4750), move(HELD, FEES, 250), key="agreement:7:settled:2")
    assert (standing(HELD), standing(OWNER), standing(FEES)) == (0, 4750, 250)
    assert len(service.statement(OWNER.code)) == 3
    assert proven()


def test_earnings_are_shared_by_three_owners_to_the_cent(app: Flask) -> None:
    charge()
    owners = [OWNER, accounts.member_payable(11, "EUR"), accounts.member_payable(12, "EUR")]
    parts = eur(4750).split([1, 1, 1])
    shared = (move(HELD, owner, part.minor) for owner, part in zip(owners, parts, strict=True))
    book(*shared, move(HELD, FEES, 250), key="agreement:7:settled")
    assert [standing(owner) for owner in owners] == [1584, 1583, 1583]
    assert (standing(HELD), standing(FEES)) == (0, 250)
    assert proven()


def test_a_loan_instalment_reaches_every_lender_to_the_cent(app: Flask) -> None:
    lenders = [accounts.member_payable(number, "EUR") for number in (11, 12, 13)]
    shares = eur(10000).split([50, 25, 25]), eur(100).split([1, 1, 1])
    book(move(CLEARING, HELD, 10100), key="instalment:1")
    book(
        *(move(HELD, lender, share.minor) for part in shares for lender, share in zip(lenders, part, strict=True)),
        key="instalment:1:shared",
    )
    assert [standing(lender) for lender in lenders] == [5034, 2533, 2533]
    assert standing(HELD) == 0
    assert proven()


def test_a_match_takes_no_more_than_the_sponsor_gave(app: Flask) -> None:
    book(move(BANK, MATCHING, 6000), key="sponsor:1")
    charge()
    book(move(MATCHING, HELD, 5000), key="agreement:7:matched")
    with pytest.raises(Overdraft):
        book(move(MATCHING, accounts.agreement_held(8, "EUR"), 1001), key="agreement:8:matched")
    assert (standing(MATCHING), standing(HELD)) == (1000, 10000)
    assert proven()


def test_a_reserve_is_freed_when_its_time_is_over(app: Flask) -> None:
    charge()
    settle()
    book(move(OWNER, RESERVE, 475), key="agreement:7:reserved")
    assert (standing(OWNER), standing(RESERVE)) == (4275, 475)
    service.reverse("agreement:7:reserved", "agreement:7:freed", description="Reserve freed")
    assert (standing(OWNER), standing(RESERVE)) == (4750, 0)
    assert proven()


def test_a_chargeback_between_settlement_and_pay_out_takes_the_earnings_and_the_owner_owes_the_fee(app: Flask) -> None:
    charge()
    settle()
    book(move(OWNER, CLEARING, 4750), move(OWED, CLEARING, 250), key="dp_1:withdrawn")
    book(move(COSTS, CLEARING, 2000), key="dp_1:fee")
    assert (standing(OWNER), standing(OWED), standing(CLEARING)) == (0, 250, -2100)
    assert proven()


def test_a_chargeback_won_after_all_gives_back_what_was_paid_for_it_meanwhile(app: Flask) -> None:
    charge()
    settle()
    book(move(OWNER, RESERVE, 950))
    book(move(OWNER, CLEARING, 3800))
    book(move(RESERVE, CLEARING, 950), move(OWED, CLEARING, 4050), key="dp_1:withdrawn")
    book(move(BANK, OWED, 1000), move(LOSSES, OWED, 3050))
    book(move(CLEARING, RESERVE, 950), move(CLEARING, OWNER, 1000), move(CLEARING, LOSSES, 3050), key="dp_1:reinstated")
    assert (standing(RESERVE), standing(OWED), standing(OWNER), standing(LOSSES)) == (950, 0, 1000, 0)
    assert proven()


def test_what_is_owed_is_kept_from_later_earnings(app: Flask) -> None:
    book(move(OWED, CLEARING, 5000))
    book(move(CLEARING, HELD, 3000), move(HELD, OWNER, 3000))
    book(move(OWNER, OWED, 3000), key="debt-entry-1:netted")
    with pytest.raises(Overdraft):
        book(move(OWNER, OWED, 1))
    assert (standing(OWNER), standing(OWED)) == (0, 2000)
    assert proven()


def test_a_chargeback_of_a_refunded_payment_is_the_platforms_loss(app: Flask) -> None:
    charge()
    book(move(HELD, CLEARING, 5000), key="re_1:refunded")
    book(move(LOSSES, CLEARING, 5000), key="dp_1:withdrawn")
    service.reverse("dp_1:withdrawn", "dp_1:reinstated", description="Dispute won")
    assert (standing(HELD), standing(LOSSES), standing(CLEARING)) == (0, 0, -100)
    assert proven()


def test_a_refund_after_the_pay_out_takes_the_transfer_back_first(app: Flask) -> None:
    charge()
    settle()
    book(move(OWNER, RESERVE, 950))
    book(move(OWNER, CLEARING, 3800))
    book(move(FEES, HELD, 100), key="refund-1:gathered:1")
    book(move(CLEARING, OWNER, 1900), key="trr_1:reversed")
    book(move(OWNER, HELD, 1900), key="refund-1:gathered:2")
    book(move(HELD, CLEARING, 2000), key="re_1:refunded")
    assert (standing(HELD), standing(OWNER), standing(FEES), standing(RESERVE)) == (0, 0, 150, 950)
    assert standing(CLEARING) == 1000  # 950 are set aside, 150 the platform's, and 100 went to the provider
    assert proven()
