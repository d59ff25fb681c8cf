"""Prices as they are saved: versions that stay, worked examples that must hold, and quotes by the function that bills."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from marketplace.database import db, transaction
from marketplace.errors import Forbidden, InvalidInput, NotFound, Refused
from marketplace.testing.clients import page_text
from marketplace.testing.factories import Factories
from plugins.sharing.price import price_lists, simple_tariffs, tariff_text
from plugins.sharing.price.price_lists import TariffRefused
from plugins.sharing.price.simple_tariffs import SimplePrices
from tests.plugins.sharing.tariff_world import DATA, FILES, HOURS, document


@dataclass(frozen=True)
class Span:
    """A window."""

    starts_at: datetime
    ends_at: datetime


EXAMPLE = {"name": "Two hours", "use": ["2 h"], "lines": [["time", "12.00"]], "total": "12.00"}
MONDAY = datetime(2026, 1, 5, 8, tzinfo=UTC)


def hourly(price: str = "6.00", total: str = "12.00", **more: Any) -> dict[str, Any]:
    return document(
        {**HOURS, "price": price}, example=[{**EXAMPLE, "lines": [["time", total]], "total": total}], **more
    )


@pytest.fixture
def listing(factories: Factories) -> Any:
    return factories.listing(kind="item", body_md="It stands in our street.")


def owner(listing: Any) -> Any:
    from marketplace.users.models import User

    return db.session.get_one(User, listing.owner_id)


def test_a_version_is_saved_counts_and_is_followed_by_the_next(listing: Any) -> None:
    first = price_lists.save(listing.id, "use", hourly(), owner(listing))
    assert (first.number, price_lists.freeze(listing.id, "use")) == (1, first.id)
    assert price_lists.save(listing.id, "use", hourly(), owner(listing)).id == first.id, (
        "the same document is no new version"
    )
    second = price_lists.save(listing.id, "use", hourly("7.00", "14.00"), owner(listing))
    assert (second.number, price_lists.freeze(listing.id, "use")) == (2, second.id)
    window = Span(MONDAY, MONDAY + timedelta(hours=2))
    totals = [price_lists.quote(one.id, window, zone="Europe/Amsterdam").total for one in (first, second)]
    assert totals == [12_00, 14_00], "what was frozen keeps its price"
    assert [one.number for one in price_lists.history(listing.id, "use")] == [2, 1]


def test_a_worked_example_that_fails_is_named_with_what_the_prices_give(listing: Any) -> None:
    with pytest.raises(TariffRefused) as refused:
        price_lists.save(listing.id, "use", hourly(total="13.00"), owner(listing))
    fields = [field for field, _message in refused.value.faults]
    assert fields == ["example[1] (Two hours).lines[1]", "example[1] (Two hours).total"]
    assert "13" in refused.value.errors["document"]
    assert "12.00" in refused.value.errors["document"]
    assert price_lists.current(listing.id, "use") is None


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        ({**hourly(), "currency": "USD"}, "currency"),
        ({**hourly(), "component": []}, "component"),
        (document(HOURS), "example"),
        ({**hourly(), "nonsense": 1}, "nonsense"),
        ({"format": 1}, "name"),
    ],
)
def test_a_document_that_says_nonsense_is_refused_at_its_field(listing: Any, bad: Any, field: str) -> None:
    with pytest.raises(TariffRefused) as refused:
        price_lists.save(listing.id, "use", bad, owner(listing))
    assert field in [name for name, _message in refused.value.faults]


def test_only_who_may_change_the_listing_saves_prices(listing: Any, factories: Factories) -> None:
    with pytest.raises((Forbidden, NotFound)):
        price_lists.save(listing.id, "use", hourly(), factories.user())
    with pytest.raises(InvalidInput):
        price_lists.save(listing.id, "give", hourly(), owner(listing))
    with pytest.raises(Refused):
        price_lists.freeze(listing.id, "use")


@pytest.mark.parametrize("statement", ["UPDATE sharing_tariff SET digest = 'x'", "DELETE FROM sharing_tariff"])
def test_the_database_refuses_to_change_or_remove_a_version(listing: Any, statement: str) -> None:
    price_lists.save(listing.id, "use", hourly(), None)
    price_lists.withdraw(listing.id, "use", None)
    with pytest.raises(DBAPIError, match="a tariff stays as it was saved"), transaction() as session:
        session.execute(text(statement))


def test_a_pointer_points_at_the_listings_own_version(listing: Any, factories: Factories) -> None:
    mine, other = (
        price_lists.save(listing.id, "use", hourly(), None),
        factories.listing(kind="item", body_md="It stands in our street."),
    )
    price_lists.save(other.id, "use", hourly("7.00", "14.00"), None)
    with pytest.raises(DBAPIError), transaction() as session:
        session.execute(
            text("UPDATE sharing_price_list SET tariff_id = :id WHERE listing_id = :of"),
            {"id": mine.id, "of": other.id},
        )


@pytest.mark.parametrize("name", FILES)
def test_every_ready_made_document_is_kept_and_gives_its_examples(listing: Any, name: str) -> None:
    written = price_lists.parse((DATA / f"{name}.toml").read_text(encoding="utf-8"))
    saved = price_lists.save(listing.id, "use", written, None)
    db.session.expire_all()
    again = price_lists.stored(saved.id)
    assert again.terms.check() == ()
    assert again.terms.digest == saved.terms.digest
    kept = price_lists.document_of(saved.id)
    assert price_lists.parse(tariff_text.toml_text(kept)) == kept, "what the editor shows is what was saved"


@pytest.mark.parametrize(
    "asked",
    [
        SimplePrices(hour=3_00), SimplePrices(day=40_00, week_percent=10, month_percent=25),
        SimplePrices(hour=5_00, day=20_00, week=80_00, start=1_00), SimplePrices(day=15_00, week=60_00, minimum=20_00),
        SimplePrices(hour=12_00, step="quarter", per_unit=23, free_units=100), SimplePrices(start=2_50, per_unit=42, unit="kwh"),
    ],
)  # fmt: skip
def test_the_short_form_makes_a_document_whose_examples_hold(listing: Any, asked: SimplePrices) -> None:
    made = simple_tariffs.document(asked, "EUR", "A drill")
    saved = price_lists.save(listing.id, "rent", made, None, made_from=asked.kept())
    assert saved.terms.examples
    db.session.expire_all()
    kept = price_lists.stored(saved.id).made_from
    assert kept is not None
    assert SimplePrices.thaw(kept) == asked


def test_the_short_forms_prices_are_what_a_lender_means() -> None:
    def cost(asked: SimplePrices, **span: int) -> int:
        from plugins.sharing.tariffs import Circumstances, bill, planned, read

        terms = read(simple_tariffs.document(asked, "EUR", "x"))
        return bill(
            terms, planned(MONDAY, [("in-use", timedelta(**span))], {}, {}, Circumstances("Europe/Amsterdam"))
        ).total

    ladder = SimplePrices(hour=5_00, day=20_00, week=80_00)
    assert [cost(ladder, hours=hours) for hours in (1, 3, 4, 5, 24, 25, 72, 168, 192)] == [
        5_00, 15_00, 20_00, 20_00, 20_00, 25_00, 60_00, 80_00, 100_00,
    ]  # fmt: skip
    stay = SimplePrices(day=40_00, week_percent=10)
    assert [cost(stay, days=days) for days in (1, 6, 7)] == [40_00, 240_00, 252_00]


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        (SimplePrices(), "day"), (SimplePrices(hour=5_00, day=4_00), "day"), (SimplePrices(day=10_00, week=90_00), "week"),
        (SimplePrices(hour=1_00, week_percent=10), "week_percent"), (SimplePrices(day=9_00, free_units=10), "free_units"),
        (SimplePrices(day=9_00, week_percent=20, month_percent=10), "month_percent"),
    ],
)  # fmt: skip
def test_prices_that_contradict_each_other_are_refused_beside_the_field(asked: SimplePrices, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        simple_tariffs.document(asked, "EUR", "A drill")
    assert field in refused.value.errors


def test_a_lender_checks_and_saves_in_the_short_form(app: Flask, client: Any, auth: Any, listing: Any) -> None:
    auth.login(owner(listing))
    page = f"/items/{listing.id}/prices/rent"
    looked = client.post(page, data={"hour": "5", "day": "20", "step": "hour", "unit": "km", "check": "y"})
    assert looked.status_code == 200
    assert "15" in page_text(looked)
    assert price_lists.current(listing.id, "rent") is None, "looking saves nothing"
    bad = client.post(page, data={"hour": "5", "day": "4", "step": "hour", "unit": "km"})
    assert (bad.status_code, 'value="4"' in bad.text) == (422, True)
    words = client.post(page, data={"hour": "a lot", "step": "hour", "unit": "km"})
    assert (words.status_code, "a lot" in words.text) == (422, True)
    saved = client.post(page, data={"hour": "5", "day": "20", "step": "hour", "unit": "km"})
    assert saved.status_code == 303, page_text(saved)
    stored = price_lists.current(listing.id, "rent")
    assert stored is not None
    assert client.get(saved.location).status_code == 200
    assert re.search(r'id="hour"[^>]*value="5(.00)?"', client.get(page).text)
    auth.logout()
    shown = client.get(f"/prices/{stored.id}")
    assert shown.status_code == 200
    assert "Together" in page_text(shown)


def test_an_operator_writes_a_whole_document(app: Flask, client: Any, auth: Any, listing: Any) -> None:
    auth.operator()
    page = f"/items/{listing.id}/prices/use/document"
    assert "Car2Go" in client.get(f"{page}?template=car2go").text
    good = (DATA / "car2go.toml").read_text(encoding="utf-8")
    checked = client.post(page, data={"document": good, "check": "y"})
    assert (checked.status_code, "77" in checked.text or "70" in checked.text) == (200, True)
    wrong = client.post(page, data={"document": good.replace('total = "5.80"', 'total = "5.90"')})
    assert wrong.status_code == 422
    assert "example[1]" in wrong.text
    compared = client.post(page, data={"document": good.replace('total = "5.80"', 'total = "5.90"'), "check": "y"})
    assert "The document says" in page_text(compared)
    for nonsense in ("", "= broken", "format = 2", good.replace('"0.29"', '"-1"', 1)):
        refused = client.post(page, data={"document": nonsense})
        assert refused.status_code == 422, nonsense
        if nonsense:
            assert nonsense.splitlines()[0][:7] in refused.text
    assert client.post(page, data={"document": good}).status_code == 303
    assert price_lists.freeze(listing.id, "use")
    assert client.get(f"/items/{listing.id}/prices/nothing/document").status_code == 404
    auth.login(owner(listing))
    assert client.get(page).status_code == 403
    assert client.post(f"/items/{listing.id}/prices/use/withdraw").status_code == 303
    assert price_lists.current(listing.id, "use") is None


def test_strangers_do_not_see_the_forms(client: Any, auth: Any, listing: Any) -> None:
    assert client.get(f"/items/{listing.id}/prices").status_code in (302, 401)
    auth.member()
    for page in ("", "/use", "/use/document"):
        assert client.get(f"/items/{listing.id}/prices{page}").status_code == 404
    assert client.get("/prices/999").status_code == 404


def test_what_is_kept_has_no_floats() -> None:
    made = price_lists.storable({"price": Decimal("0.305"), "n": 3, "deep": [{"x": Decimal("1.10")}]})
    assert made == {"price": "0.305", "n": 3, "deep": [{"x": "1.10"}]}
    assert json.loads(json.dumps(made)) == made
