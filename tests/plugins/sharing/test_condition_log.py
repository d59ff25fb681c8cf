"""What a lender writes into a unit's condition log: through HTTP, with photos; only added to, and read by nobody else."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from marketplace.database import transaction
from marketplace.storage import storage
from marketplace.testing.clients import MarketplaceClient, page_text, refresh
from marketplace.testing.factories import Factories
from plugins.sharing.item import condition, units
from plugins.sharing.loan import handovers
from tests.plugins.sharing.loan_world import Lending
from tests.plugins.sharing.test_loan_pages import logged_in, photo


@pytest.fixture
def lending(app: Flask, factories: Factories, frozen: Any) -> Lending:
    return Lending(app, factories, frozen)


def unit_address(item: int) -> tuple[str, int]:
    unit = units.units_of(item)[0]
    return f"/items/{item}/units/{unit.id}", unit.id


def send(client: MarketplaceClient, address: str, **data: Any) -> Any:
    return client.post(f"{address}/notes", data=data, content_type="multipart/form-data")


def test_a_lender_adds_a_note_with_a_photo_that_only_managers_of_the_item_see(lending: Lending) -> None:
    address, unit_id = unit_address(lending.item())
    lena, ben = logged_in(lending, "lender"), logged_in(lending, "borrower")
    assert send(lena, address, kind="repaired", text="New rungs put in", photos=photo()).status_code == 303
    page = lena.get(address)
    assert "Repaired Lena Lender" in page_text(page)
    assert "New rungs put in" in page_text(page)
    found = re.search(r'src="([^"]+/notes/\d+/0)"', page.get_data(as_text=True))
    assert found is not None
    with lena.get(found.group(1)) as shown:
        assert shown.mimetype == "image/webp"
    assert ben.get(found.group(1)).status_code == 404
    assert ben.get(address).status_code == 404
    assert send(ben, address, kind="noted", text="Mine now").status_code == 404
    assert lena.get(found.group(1)[:-1] + "7").status_code == 404
    (row,) = units.log_of(unit_id)
    assert (row.kind, row.text, row.agreement_id, len(row.pictures)) == ("repaired", "New rungs put in", None, 1)


@pytest.mark.parametrize(("data", "field"), [
    ({"kind": "noted", "text": ""}, "text"), ({"kind": "returned", "text": "Fine"}, "kind"),
    ({"kind": "noted", "text": "x" * 2001}, "text"),
    ({"kind": "noted", "text": "Seen", "photos": b"no picture"}, "photos"),
])  # fmt: skip
def test_what_can_not_be_noted_is_422_beside_its_field_and_nothing_is_kept(
    lending: Lending, data: dict[str, Any], field: str
) -> None:
    address, unit_id = unit_address(lending.item())
    files = {"photos": (io.BytesIO(data["photos"]), "a.jpg")} if "photos" in data else {}
    answer = send(logged_in(lending, "lender"), address, **{**data, **files})
    assert answer.status_code == 422
    assert 'value="Nr 1"' in answer.get_data(as_text=True), "the unit's own form shows what it is"
    assert f'id="{field}-error"' in answer.get_data(as_text=True)
    assert units.log_of(unit_id) == []


def test_a_note_is_only_added_to_and_stands_with_what_hand_overs_added(lending: Lending) -> None:
    item = lending.item()
    address, unit_id = unit_address(item)
    condition.add(item, lending.lender, unit_id, kind="noted", text="A rung creaks")
    agreement = lending.out(item)
    assert agreement.state == "active"
    lending.later(days=1)
    handovers.record(agreement.id, lending.as_lender(agreement), "in", condition="As it was")
    assert [row.kind for row in units.log_of(unit_id)] == ["returned", "handed_over", "noted"]
    page = page_text(logged_in(lending, "lender").get(address))
    assert page.index("As it was") < page.index("A rung creaks")
    with pytest.raises(DBAPIError), transaction() as session:
        session.execute(text("UPDATE sharing_condition_note SET text = 'It never creaked'"))


def test_a_member_gets_the_notes_and_the_photos_go_with_the_account(lending: Lending) -> None:
    item = lending.item()
    _address, unit_id = unit_address(item)
    row = condition.add(item, lending.lender, unit_id, kind="noted", text="Seen", photos=[photo()[0].getvalue()])
    key = row.pictures[0]
    assert [one["text"] for one in condition.export(lending.lender)["condition_notes"]] == ["Seen"]
    assert storage().path(key).exists()
    with transaction():
        condition.erase(lending.lender)
    refresh()
    assert not storage().path(key).exists()
    (entry,) = condition.entries(unit_id)
    assert (entry.row.text, len(entry.places)) == ("Seen", 0)
