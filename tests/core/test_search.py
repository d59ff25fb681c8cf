"""Search: words, places and filters find what they should, and nothing that a person types is an error."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from marketplace.database import db, is_sqlite, transaction
from marketplace.listings import places
from marketplace.listings.models import Listing
from marketplace.listings.whereabouts import metres_between, public_point
from marketplace.search import Filters, browse
from marketplace.search.filters import NEAR, Origin
from marketplace.search.words import words_of
from marketplace.testing.clients import MarketplaceClient
from marketplace.testing.factories import Factories
from marketplace.testing.statements import Statements

DAM = Origin("Dam", 52.3731, 4.8926)


def titles(**facts: Any) -> list[str]:
    """Return the titles that hold what was searched for."""
    found = browse(Filters(**facts))
    return [] if found.resembling else [card.title for card in found.cards]


def test_words_are_found_in_title_summary_text_and_place(app: Flask, factories: Factories) -> None:
    factories.listing(title="Cordless drill")
    factories.listing(title="Ladder", summary="Goes well with a drill")
    factories.listing(title="Box", body_md="Holds every drill")
    factories.listing(title="Bench", place="Drillburg")
    factories.listing(title="Tent", body_md="Sleeps four", summary="", place="Utrecht")
    assert sorted(titles(q="drill")) == ["Bench", "Box", "Cordless drill", "Ladder"]


def test_all_words_count_and_the_last_may_be_a_beginning(app: Flask, factories: Factories) -> None:
    factories.listing(title="Boormachine van Bosch")
    factories.listing(title="Boormachine van Makita")
    assert sorted(titles(q="boor")) == ["Boormachine van Bosch", "Boormachine van Makita"]
    assert titles(q="boormachine mak") == ["Boormachine van Makita"]
    assert titles(q="boor makita") == []
    assert titles(q="machine") == []


def test_case_and_accents_do_not_matter(app: Flask, factories: Factories) -> None:
    factories.listing(title="CAFÉ-stoelen, réservé")
    for typed in ("cafe", "CAFÉ", "cafe\u0301", "Reserve", "café stoel"):
        assert titles(q=typed) == ["CAFÉ-stoelen, réservé"], typed


def test_dutch_forms_are_found_on_postgresql(app: Flask, factories: Factories) -> None:
    factories.listing(title="Twee fietsen")
    assert titles(q="fiets") == ["Twee fietsen"]
    assert titles(q="fietsen mooie") == []
    if not is_sqlite():
        factories.listing(title="Een fiets")
        assert sorted(titles(q="fietsen")) == ["Een fiets", "Twee fietsen"]


def test_a_misspelt_word_finds_what_comes_close_on_postgresql(
    client: MarketplaceClient, factories: Factories, statements: Callable[[], Statements]
) -> None:
    for number in range(30):
        factories.listing(title=f"Boormachine nummer {number}")
    factories.listing(title="Tent")
    client.get("/discover?q=nothing")
    with statements() as seen:
        page = client.get("/discover?q=boormasjine")
    assert len(seen) <= 4, seen
    if is_sqlite():
        assert "Nothing found" in page.text
        return
    assert "these come close" in page.text
    found = browse(Filters(q="boormasjine"))
    assert (found.resembling, found.total, len(found.cards)) == (True, 30, 24)
    rest = browse(Filters(q="boormasjine", after=found.next))
    assert len({card.id for card in (*found.cards, *rest.cards)}) == 30
    assert not browse(Filters(q="boormachine")).resembling


def test_only_what_is_published_is_found_through_its_whole_life(app: Flask, factories: Factories) -> None:
    listing = factories.listing(title="Unicycle", state="draft")
    found = []
    for state in ("draft", "published", "closed", "published", "removed"):
        with transaction():
            row = db.session.get(Listing, listing.id)
            assert row is not None
            row.state, row.published_at = state, row.published_at or row.created_at
        found.append(titles(q="unicycle"))
    assert found == [[], ["Unicycle"], [], ["Unicycle"], []]


def test_a_changed_text_is_found_by_its_new_words_only(app: Flask, factories: Factories) -> None:
    listing = factories.listing(title="Trampoline")
    with transaction():
        row = db.session.get(Listing, listing.id)
        assert row is not None
        row.title = "Hammock"
    assert titles(q="trampoline") == []
    assert titles(q="hammock") == ["Hammock"]


def test_a_rolled_back_change_leaves_the_index_as_it_was(app: Flask, factories: Factories) -> None:
    listing = factories.listing(title="Kayak")

    def renamed_and_broken_off() -> None:
        with transaction():
            row = db.session.get(Listing, listing.id)
            assert row is not None
            row.title = "Canoe"
            db.session.flush()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        renamed_and_broken_off()
    assert titles(q="kayak") == ["Kayak"]
    assert titles(q="canoe") == []


NASTY = ["'", '"', "' OR 1=1 --", '"unclosed', "drill AND", "NEAR(a b)", "a* OR b*", "title:drill", "(((", "^drill", "drill:*",
         "a & b | !c", "<->", "\\", "%_%", "{}[]", "-drill", "--", "/*", ";", "\x00", "a\x00b", "\ud83d", "🚲", "🚲 fiets", "é́",
         "ﬁets", "x" * 10_000, "w " * 5_000, "٠١٢", "ǅ", "İ", "ß", "日本語", "الدراجة", "\u202e", "a" * 41, "_"]  # fmt: skip


@pytest.mark.parametrize("typed", NASTY)
def test_nothing_that_is_typed_is_an_error(client: MarketplaceClient, factories: Factories, typed: str) -> None:
    factories.listing(title="Drill")
    for name in ("q", "place", "price", "radius", "kind", "category", "sort", "after", "before"):
        answer = client.get("/discover", query_string={name: typed.encode("utf-8", "replace").decode()[:9000]})
        assert answer.status_code in (200, 422), name


@hypothesis_settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(typed=st.text(max_size=60))
def test_no_text_at_all_upsets_the_index(app: Flask, typed: str) -> None:
    assert browse(Filters(q=typed)).total == 0


@given(typed=st.text(max_size=80))
def test_words_are_letters_and_digits_only(typed: str) -> None:
    assert all(word.isalnum() or not word.isascii() for word in words_of(typed))
    assert not any(sign in "\"'&|!()*:<>\\" for word in words_of(typed) for sign in word)


def test_filters_narrow_one_by_one_and_together(app: Flask, factories: Factories) -> None:
    factories.listing(title="A", category="tools", price_minor=500, price_unit="day")
    factories.listing(title="B", category="tools", price_minor=0, price_unit="once", cover_key="pictures/ab/x")
    factories.listing(title="C", category="garden", price_minor=1500, price_unit="day", cover_key="pictures/ab/y")
    factories.listing(title="D", category="garden")
    assert sorted(titles(category="tools")) == ["A", "B"]
    assert sorted(titles(price=500)) == ["A", "B"]
    assert titles(free=True) == ["B"]
    assert sorted(titles(pictures=True)) == ["B", "C"]
    assert titles(category="garden", pictures=True, price=2000) == ["C"]
    assert sorted(titles(kind="notice")) == ["A", "B", "C", "D"]
    assert titles(kind="campaign") == []
    assert browse(Filters(category="garden")).total == 2


def test_nearest_first_within_the_radius(app: Flask, factories: Factories) -> None:
    for name, lat in (("3 km", 52.40), ("near", 52.3735), ("30 km", 52.65), ("1 km", 52.382)):
        factories.listing(title=name, public_lat=lat, public_lon=4.8926)
    factories.listing(title="nowhere", public_lat=None, public_lon=None)
    near = browse(Filters(sort=NEAR, radius=10, origin=DAM))
    assert [card.title for card in near.cards] == ["near", "1 km", "3 km"]
    assert near.total == 3
    for card, lat in zip(near.cards, (52.3735, 52.382, 52.40), strict=True):
        assert card.distance_m == round(metres_between(DAM.lat, DAM.lon, lat, 4.8926))
    assert titles(sort=NEAR, radius=50, origin=DAM)[-1] == "30 km"


def test_the_exact_point_is_in_no_page_no_order_and_no_distance(
    client: MarketplaceClient, factories: Factories
) -> None:
    # By the exact points "west" is nearer to the Dam; by the public ones "east" is.
    facts = {"public_lat": 52.40, "public_lon": 4.90}
    west = factories.listing(title="west", lat=52.373111, lon=4.892611, **facts)
    factories.listing(title="east", lat=52.481234, lon=4.991234, **{**facts, "public_lat": 52.39})
    assert titles(sort=NEAR, radius=25, origin=DAM) == ["east", "west"]
    paths = ["/", "/discover?place=Amsterdam", "/discover?q=west", f"/listings/{west.id}-{west.slug}"]
    for path in [*paths, "/api/v1/listings", f"/api/v1/listings/{west.id}"]:
        answer = client.get(path)
        for trace in ("52.3731", "4.8926", "52.4812", "4.9912"):
            if trace in ("52.3731", "4.8926") and path.startswith("/discover?place"):
                continue
            assert trace not in answer.text, (path, trace)


@given(lat=st.floats(-84, 84), lon=st.floats(-179, 179), number=st.integers(1, 2**40))
def test_a_public_point_stays_close_and_always_the_same(lat: float, lon: float, number: int) -> None:
    point = public_point(number, lat, lon)
    assert point == public_point(number, lat, lon)
    assert metres_between(lat, lon, *point) < 720


def test_a_public_point_tells_its_cell_and_nothing_more() -> None:
    # One listing number at every door of half a square kilometre: a handful of public points, one for each cell.
    doors = [(52.370 + down / 1e4, 4.892 + across / 1e4) for down in range(60) for across in range(100)]
    assert len({public_point(7, *door) for door in doors}) <= 6
    # Many listings at one door scatter exactly as they would at another door of the cell: there is nothing to average.
    for number in range(500):
        assert public_point(number, 52.3701, 4.8921) == public_point(number, 52.3705, 4.8929)
    assert len({public_point(number, 52.3701, 4.8921) for number in range(500)}) > 490


def test_places_are_found_by_their_names(app: Flask) -> None:
    found = places.find("the hague")
    assert found is not None
    assert found.name == "Den Haag"
    assert places.find("  DE PIJP, amsterdam ") is not None
    assert places.find("Atlantis") is None
    assert places.suggest("jord")[0].label == "Jordaan, Amsterdam"
    assert len({place.label for place in places.gazetteer().places}) == len(places.gazetteer().places)


def test_an_operators_own_places_replace_the_list(make_app: Any, tmp_path: Any) -> None:
    own = tmp_path / "places.csv"
    own.write_text("name,within,lat,lon\nBruges,,51.2093,3.2247\n", encoding="utf-8")
    with make_app(places_csv=str(own)).app_context():
        assert places.find("bruges") is not None
        assert places.find("Amsterdam") is None
    own = tmp_path / "bad.csv"
    own.write_text("name,within,lat,lon\nBruges,,north,3.2\n", encoding="utf-8")
    with make_app(places_csv=str(own)).app_context(), pytest.raises(places.BadPlaces, match="line 2"):
        places.find("bruges")
