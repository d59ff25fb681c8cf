"""Who may have an item: one rule of the lender, the same answer for calendar, search and booking, and said before."""

from __future__ import annotations

from typing import Any

import pytest

from marketplace import clock
from marketplace.agreements.models import Agreement
from marketplace.database import db, transaction
from marketplace.errors import InvalidInput
from marketplace.testing.clients import refresh
from marketplace.users.models import User
from plugins.sharing.item import items as item_rules
from plugins.sharing.item import near
from plugins.sharing.item.item_models import Item
from plugins.sharing.slot import answers
from plugins.sharing.slot.free_items import free_items
from plugins.sharing.slot.occupancy import SlotTaken
from tests.plugins.sharing.conftest import ItemStage, window

SLOT = window("2026-03-12T09:00", "2026-03-12T10:00")


def _finished(items: ItemStage, item: int, owner_id: int, member_id: int) -> None:
    at = clock.now()
    with transaction():
        db.session.add(
            Agreement(
                kind="loan", listing_id=item, owner_id=owner_id, member_id=member_id, state="closed", phase="completed",
                terms={}, created_at=at, updated_at=at,
            )
        )  # fmt: skip


def _confirmed(items: ItemStage, yes: bool = True) -> int:
    number = items.member()
    with transaction():
        db.session.get_one(User, number).email_confirmed_at = clock.now() if yes else None
    return number


def _unconfirmed(items: ItemStage) -> int:
    return _confirmed(items, yes=False)


def _both(items: ItemStage, item: int, member: int | None) -> str | None:
    """Give the code of the answer, and make sure that search and booking give the same."""
    refresh()
    found = answers.answer(item, SLOT, member)
    assert (item in free_items(SLOT, None, member)) == found.free
    if member is not None and not found.free:
        with pytest.raises(SlotTaken) as refused:
            items.book(item, SLOT, member)
        assert (refused.value.code, refused.value.message) == (found.code, found.reason)
    return found.code


def test_everybody_is_the_rule_until_the_lender_says_otherwise(items: ItemStage) -> None:
    item = items.item()
    assert db.session.get_one(Item, item).who == "everybody"
    assert _both(items, item, _unconfirmed(items)) is None


def test_a_confirmed_address_can_be_asked_for(items: ItemStage) -> None:
    item = items.item(who="confirmed")
    assert _both(items, item, _unconfirmed(items)) == "not_confirmed"
    assert _both(items, item, _confirmed(items)) is None
    assert _both(items, item, None) is None  # a guest sees the calendar, and the rule beside it


def test_so_many_finished_agreements_can_be_asked_for_on_either_side(items: ItemStage) -> None:
    item, member = items.item(who="experienced", who_least=2), items.member()
    assert _both(items, item, member) == "too_new"
    assert "2" in (answers.answer(item, SLOT, member).reason or "")
    _finished(items, item, items.member(), member)
    assert _both(items, item, member) == "too_new"
    _finished(items, item, member, items.member())
    assert _both(items, item, member) is None


def test_known_members_are_those_with_a_finished_agreement_with_this_owner(items: ItemStage) -> None:
    item, member = items.item(who="known"), items.member()
    _finished(items, item, items.member(), member)
    assert _both(items, item, member) == "not_known"
    _finished(items, item, items.owner.id, member)
    assert _both(items, item, member) is None


def test_a_quota_counts_in_the_search_too(items: ItemStage) -> None:
    item, other, member = items.item(quota_count=1, quota_days=7), items.item(), items.member()
    items.book(item, window("2026-03-14T09:00", "2026-03-14T10:00"), member)
    assert _both(items, item, member) == "quota"
    assert free_items(SLOT, None, member) == [other]
    assert free_items(SLOT, [item, other]) == [item, other]
    assert _both(items, item, items.member()) is None


def test_the_list_of_items_leaves_out_what_a_member_may_not_have(items: ItemStage) -> None:
    item, other, member = items.item(who="known"), items.item(), items.member()
    wanted = near.Wanted.read({"from": "2026-03-12", "until": "2026-03-13"})
    assert wanted.item_ids(member) == {other}
    assert wanted.item_ids() == {item, other}
    assert near.Wanted.read({"now": "1"}).item_ids(member) == {other}


def test_a_number_goes_with_experience_only(items: ItemStage) -> None:
    item = items.item(who="known")
    owner = db.session.get_one(User, items.owner.id)
    for wrong in ({"who": "experienced", "who_least": None}, {"who": "friends"}):
        with pytest.raises(InvalidInput):
            item_rules.set_rules(item, owner, wrong)
        db.session.rollback()
    with pytest.raises(InvalidInput) as unannounced:
        item_rules.set_rules(item, owner, {"arrangements": ["rent", "use"], "notice_minutes": 60})
    assert set(unannounced.value.errors) == {"notice_minutes"}
    changed = item_rules.set_rules(item, owner, {"who": "experienced", "who_least": 3})
    assert (changed.who, changed.who_least) == ("experienced", 3)
    assert item_rules.set_rules(item, owner, {"who": "everybody", "who_least": 3}).who_least is None


def test_it_is_said_on_the_page_before_a_time_is_chosen(items: ItemStage, client: Any, auth: Any) -> None:
    item = items.item(who="experienced", who_least=3)
    listing = f"/items/{item}-x"
    guest = client.get(listing, follow_redirects=True).text
    assert "Members who have finished 3 agreements here" in guest
    assert 'name="starts_on"' in guest
    auth.login(items.factories.user())
    mine = client.get(listing, follow_redirects=True).text
    assert "Only members who have finished 3 agreements here can have it" in mine
    assert 'name="starts_on"' not in mine
