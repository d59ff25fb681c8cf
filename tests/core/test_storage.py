"""Files and pictures: only what we made is served, nothing of the camera survives, hostile uploads change nothing."""

import struct
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from PIL import Image
from sqlalchemy import func, select

from marketplace.database import db
from marketplace.errors import NotFound, Refused
from marketplace.jobs.models import Job
from marketplace.listings import pictures, sizes
from marketplace.listings.models import Listing, Picture
from marketplace.settings import service as settings
from marketplace.storage import PUBLIC, RAW, LocalStorage, new_key, storage
from marketplace.testing.clients import MarketplaceClient, refresh
from marketplace.testing.factories import Factories
from marketplace.testing.people import Auth
from marketplace.users.models import User


def picture(size: tuple[int, int] = (900, 600), kind: str = "JPEG", mode: str = "RGB", **options: Any) -> bytes:
    """Draw a picture: the left half red, the right half blue."""
    image = Image.new(mode, size, "red")
    image.paste(Image.new(mode, (size[0] // 2, size[1]), "blue"), (size[0] // 2, 0))
    target = BytesIO()
    image.save(target, kind, **options)
    return target.getvalue()


def with_place_and_turn() -> bytes:
    """Draw a picture as a telephone does: lying on its side, with the place where it was taken."""
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "SecretCamera"
    exif.get_ifd(0x8825)[2] = (52.0, 22.0, 23.0)
    return picture(exif=exif.tobytes())


def bomb(width: int = 30_000, height: int = 30_000) -> bytes:
    """Make a PNG of a few kilobytes that unfolds to 900 million pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    body = zlib.compress(bytes(1 + width // 8) * 50)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def owned(factories: Factories) -> tuple[Listing, User]:
    """Make a listing and its owner."""
    owner = factories.user()
    return factories.listing(owner=owner), owner


def fresh(listing: Listing) -> Listing:
    """Read a listing again."""
    refresh()
    found = db.session.get(Listing, listing.id, populate_existing=True)
    assert found is not None
    return found


def test_what_is_saved_can_be_read_and_forgotten(tmp_path: Path) -> None:
    kept, key = LocalStorage(tmp_path / "media"), new_key(PUBLIC)
    assert not kept.exists(key)
    kept.save(key, b"first")
    with kept.open(key) as file:
        assert file.read() == b"first"
    assert kept.exists(key)
    assert kept.url(key) == f"/media/{key}"
    kept.delete(key)
    kept.delete(key)
    with pytest.raises(FileNotFoundError):
        kept.open(key)
    assert not list(tmp_path.rglob("*.part"))


def test_keys_are_long_and_never_the_same() -> None:
    keys = {new_key(PUBLIC) for _ in range(1000)}
    assert len(keys) == 1000
    assert all(len(key.rpartition("/")[2]) == 40 for key in keys)


@pytest.mark.parametrize(
    "key",
    ["../secret_key", "pictures/../../secret_key", "/etc/passwd", "pictures/ab/short", "", "raw", "pictures/ab/%2e%2e",
     "pictures/AB/" + "a" * 40, "pictures/ab/" + "a" * 40 + "/../x", "other/ab/" + "a" * 40, "pictures/ab/" + "a" * 40 + "\n"],
)  # fmt: skip
def test_only_keys_that_we_made_lead_to_files(tmp_path: Path, client: MarketplaceClient, key: str) -> None:
    kept = LocalStorage(tmp_path)
    for act in (kept.open, kept.delete, kept.path):
        with pytest.raises(FileNotFoundError):
            act(key)
    assert not kept.exists(key)
    assert client.get(f"/media/{key}").status_code in (404, 308)


def test_a_public_file_is_served_for_ever_with_its_one_type(app: Flask, client: MarketplaceClient) -> None:
    key = new_key(PUBLIC) + "-400.webp"
    storage().save(key, picture(kind="WEBP"))
    with client.get(f"/media/{key}") as answer:
        assert (answer.status_code, answer.mimetype) == (200, "image/webp")
        assert "immutable" in answer.headers["Cache-Control"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in answer.headers["Content-Security-Policy"]
        known = {"If-Modified-Since": answer.headers["Last-Modified"]}
    with client.get(f"/media/{key}", headers=known) as again:
        assert again.status_code == 304
    assert client.post(f"/media/{key}").status_code == 405


@pytest.mark.parametrize(
    ("folder", "ending"), [(RAW, ""), (RAW, "-400.webp"), (PUBLIC, ""), (PUBLIC, ".html"), (PUBLIC, ".svg")]
)
def test_uploads_and_other_types_are_never_served(
    app: Flask, client: MarketplaceClient, folder: str, ending: str
) -> None:
    key = new_key(folder) + ending
    storage().save(key, b"<script>alert(1)</script>")
    assert client.get(f"/media/{key}").status_code == 404


def test_a_picture_is_shown_once_the_job_has_made_its_sizes(
    app: Flask, client: MarketplaceClient, factories: Factories
) -> None:
    listing, owner = owned(factories)
    added = pictures.add(listing.id, actor=owner, data=with_place_and_turn(), alt=" A red  and blue field ")
    assert (added.state, fresh(listing).cover_key) == ("uploaded", None)
    assert "is being prepared" in client.get(f"/listings/{listing.id}-{listing.slug}").text
    assert db.session.scalar(select(func.count()).where(Job.kind == pictures.JOB)) == 1
    for _ in range(2):  # a job may run twice
        pictures.process({"picture_id": added.id})
    shown = fresh(listing)
    assert (shown.cover_key, shown.cover_alt) == (added.key, "A red and blue field")
    assert not storage().exists(pictures.raw_key(added.key))
    for ending in sizes.endings():
        with storage().open(added.key + ending) as file:
            data = file.read()
        assert b"SecretCamera" not in data
        made = Image.open(BytesIO(data))
        assert not made.getexif()
        assert made.height > made.width  # turned upright
        assert made.format == ("JPEG" if ending.endswith("jpg") else "WEBP")
    page = client.get(f"/listings/{listing.id}-{listing.slug}").text
    assert f"/media/{added.key}-800.webp" in page
    assert 'alt="A red and blue field"' in page
    assert f"/media/{added.key}-1200.jpg" in page
    assert f"/media/{added.key}-400.webp" in client.get("/discover").text


@pytest.mark.parametrize(
    ("kind", "mode"), [("PNG", "RGBA"), ("PNG", "P"), ("PNG", "L"), ("WEBP", "RGBA"), ("JPEG", "CMYK"), ("PNG", "1")]
)
def test_every_mode_of_picture_becomes_the_same_sizes(kind: str, mode: str) -> None:
    source = Image.new("RGB", (2000, 1000), "red").convert(mode)
    target = BytesIO()
    source.save(target, kind)
    made = sizes.make(target.getvalue())
    assert (made.width, made.height) == (2000, 1000)
    assert [Image.open(BytesIO(data)).size for data in made.files.values()] == [
        (400, 200),
        (800, 400),
        (1600, 800),
        (1200, 600),
    ]
    assert all(Image.open(BytesIO(data)).mode == "RGB" for data in made.files.values())


def test_small_pictures_are_not_blown_up() -> None:
    assert all(Image.open(BytesIO(data)).size == (90, 60) for data in sizes.make(picture((90, 60))).files.values())


HOSTILE = {
    "html": b"<html><script>alert(1)</script>",
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
    "gif": b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;",
    "signature only": b"\xff\xd8\xff",
    "png header only": b"\x89PNG\r\n\x1a\n" + b"\x00" * 40,
    "webp header only": b"RIFF\x10\x00\x00\x00WEBPVP8 ",
    "bomb": bomb(),
    "zip": b"PK\x03\x04" + b"\x00" * 100,
    "postscript": b"%!PS-Adobe-3.0 EPSF-3.0\n",
    "too large": b"\xff\xd8\xff" + b"x" * pictures.MOST_BYTES,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_upload_is_refused_and_leaves_nothing_behind(app: Flask, factories: Factories, name: str) -> None:
    listing, owner = owned(factories)
    with pytest.raises(Refused):
        pictures.add(listing.id, actor=owner, data=HOSTILE[name])
    assert db.session.scalar(select(func.count(Picture.id))) == 0
    assert db.session.scalar(select(func.count()).where(Job.kind == pictures.JOB)) == 0
    assert not [each for each in storage().root.rglob("*") if each.is_file()]


def test_a_picture_that_breaks_off_is_refused_by_the_job(app: Flask, factories: Factories) -> None:
    listing, owner = owned(factories)
    added = pictures.add(listing.id, actor=owner, data=picture()[:2000])
    pictures.process({"picture_id": added.id})
    refresh()
    assert [(each.state, storage().exists(pictures.raw_key(each.key))) for each in pictures.of(listing.id)] == [
        ("refused", False)
    ]
    assert fresh(listing).cover_key is None


def test_the_first_picture_is_the_cover_through_every_change(app: Flask, factories: Factories) -> None:
    listing, owner = owned(factories)
    made = [pictures.add(listing.id, actor=owner, data=picture((100 + n, 80)), alt=f"n{n}") for n in range(3)]
    for each in made:
        pictures.process({"picture_id": each.id})
    assert fresh(listing).cover_key == made[0].key
    pictures.move(made[2].id, actor=owner, to=0)
    assert fresh(listing).cover_key == made[2].key
    assert [each.alt for each in pictures.of(listing.id)] == ["n2", "n0", "n1"]
    pictures.describe(made[2].id, actor=owner, alt="The bench")
    assert fresh(listing).cover_alt == "The bench"
    pictures.delete(made[2].id, actor=owner)
    assert fresh(listing).cover_key == made[0].key
    assert not any(storage().exists(made[2].key + ending) for ending in sizes.endings())
    for each in made[:2]:
        pictures.delete(each.id, actor=owner)
    assert fresh(listing).cover_key is None


def test_a_picture_deleted_before_the_job_leaves_no_file(app: Flask, factories: Factories) -> None:
    listing, owner = owned(factories)
    added = pictures.add(listing.id, actor=owner, data=picture())
    pictures.delete(added.id, actor=owner)
    pictures.process({"picture_id": added.id})
    assert not [each for each in storage().root.rglob("*") if each.is_file()]


def test_pictures_are_their_owners_and_counted(app: Flask, factories: Factories) -> None:
    listing, owner = owned(factories)
    settings.set_value("listings.most_pictures", 2, None)
    first = pictures.add(listing.id, actor=owner, data=picture())
    pictures.add(listing.id, actor=owner, data=picture())
    with pytest.raises(Refused):
        pictures.add(listing.id, actor=owner, data=picture())
    stranger, other = factories.user(), factories.listing(state="draft")
    with pytest.raises(NotFound):
        pictures.add(other.id, actor=stranger, data=picture())
    for act in (
        lambda: pictures.delete(first.id, actor=stranger),
        lambda: pictures.move(first.id, actor=stranger, to=1),
    ):
        with pytest.raises(Exception, match="may not"):
            act()
    assert len([each for each in storage().root.rglob("*") if each.is_file()]) == 2


def test_an_owner_uploads_orders_and_deletes_on_the_page(
    auth: Auth, client: MarketplaceClient, factories: Factories
) -> None:
    listing = factories.listing(owner=auth.member())
    path = f"/listings/{listing.id}/pictures"
    many = [(BytesIO(picture((90 + n, 60))), f"photo{n}.jpg") for n in range(2)]
    assert client.post(path, data={"pictures": many}).status_code == 302
    first, second = pictures.of(listing.id)
    for each in (first, second):
        pictures.process({"picture_id": each.id})
    assert client.post(f"{path}/{second.id}/move", data={"to": "0"}).status_code == 302
    assert client.post(f"{path}/{second.id}/describe", data={"alt": "A <b>bench</b>"}).status_code == 302
    assert fresh(listing).cover_alt == "A <b>bench</b>"
    assert "A &lt;b&gt;bench" in client.get(path).text
    assert client.post(f"{path}/{first.id}/delete").status_code == 302
    refresh()
    assert [each.id for each in pictures.of(listing.id)] == [second.id]
    refused = client.post(path, data={"pictures": [(BytesIO(b"<html>"), "photo.jpg")]})
    assert refused.status_code == 422
    assert 'id="pictures-error"' in refused.text
    assert client.post(path, data={}).status_code == 422
    auth.member()
    assert client.get(path).status_code == 404
    assert client.post(f"{path}/{second.id}/delete").status_code == 404
