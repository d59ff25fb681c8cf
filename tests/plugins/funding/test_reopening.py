"""A campaign lives once: the core's own address for opening a closed listing again does not revive it."""

from typing import Any

import pytest

from marketplace.api import Listing, Refused, User, db, listings


def test_a_campaign_that_ended_is_not_opened_again(stage: Any) -> None:
    campaign_id = stage.live()
    stage.to_deadline(campaign_id)
    stage.work()
    listing = db.session.get(Listing, campaign_id, populate_existing=True)
    assert listing is not None
    assert listing.state == "closed"
    owner = db.session.get(User, listing.owner_id)
    with pytest.raises(Refused, match="goes live once"):
        listings.reopen(campaign_id, actor=owner)
    db.session.expire_all()
    assert db.session.get(Listing, campaign_id).state == "closed"
