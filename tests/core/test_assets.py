"""Static files: their names, their encodings, their size, and what belongs to them."""

import gzip
import re
from pathlib import Path

import brotli
import pytest

from marketplace.assets import FOREVER, LAYERS, STATIC, STYLE, Assets, hashless, minified

ROOT = STATIC.parent.parent
VENDOR = STATIC / "vendor"
KILOBYTE = 1024


@pytest.fixture
def database(worker_databases):
    """Nothing here touches a table, so one database is enough."""
    return worker_databases("sqlite")


@pytest.fixture
def files() -> Assets:
    """Give the core's files as an app serves them."""
    return Assets({"": STATIC})


def compressed(files: Assets, *names: str) -> int:
    return sum(len(files.get(name).encode("gzip")) for name in names)


def test_a_files_address_carries_the_hash_of_its_content(tmp_path: Path) -> None:
    (tmp_path / "a.js").write_text("one()")
    before = Assets({"": tmp_path}).url("a.js")
    (tmp_path / "a.js").write_text("two()")
    after = Assets({"": tmp_path}).url("a.js")
    assert re.fullmatch(r"/assets/a\.[0-9a-f]{10}\.js", before)
    assert before != after
    assert hashless(after.removeprefix("/assets/"))[0] == "a.js"


def test_the_style_sheet_declares_its_layers_in_order_and_fits_its_budget(files: Assets) -> None:
    text = files.get(STYLE).body.decode()
    assert text.startswith(f"@layer {','.join(LAYERS)};")
    found = re.findall(r"@layer (\w+)\{", text)
    assert sorted(found, key=LAYERS.index) == found
    assert set(found) == set(LAYERS) - {"plugin"}
    assert compressed(files, STYLE) < 15 * KILOBYTE


def test_the_scripts_of_a_page_fit_their_budget(files: Assets) -> None:
    assert compressed(files, "vendor/htmx.min.js", "js/app.js") < 50 * KILOBYTE


def test_the_whole_first_visit_stays_under_a_hundred_kilobytes(files: Assets) -> None:
    names = (STYLE, "vendor/htmx.min.js", "js/app.js", "vendor/icons.svg", "img/favicon.svg")
    font = len(files.get("vendor/fonts/figtree-latin.woff2").body)
    assert compressed(files, *names) + font < 100 * KILOBYTE


def test_every_address_in_the_style_sheet_leads_to_a_file(files: Assets) -> None:
    links = re.findall(r"url\(([^)]+)\)", files.get(STYLE).body.decode())
    assert len(links) == 2
    for link in links:
        name, digest = hashless(link)
        assert files.get(name).digest == digest


def test_a_plugins_style_sheet_joins_the_plugin_layer(tmp_path: Path) -> None:
    (tmp_path / "plugin.css").write_text(".tariff { color: red; }")
    text = Assets({"": STATIC, "sharing": tmp_path}).get(STYLE).body.decode()
    assert "@layer plugin{.tariff{color:red}}" in text


def test_a_plugins_files_live_under_its_name(tmp_path: Path) -> None:
    (tmp_path / "map.js").write_text("map()")
    files = Assets({"": STATIC, "sharing": tmp_path})
    assert files.get("sharing/map.js").body == b"map()"
    with pytest.raises(FileNotFoundError):
        files.get("map.js")


@pytest.mark.parametrize("name", ["../app.py", "js/../../app.py", "%2e%2e/app.py", "css/base.css", "js", "nothing.js"])
def test_nothing_but_served_files_can_be_asked_for(client, name: str) -> None:
    assert client.get(f"/assets/{name}").status_code == 404


def test_the_address_of_the_present_content_may_be_kept_for_ever(client, app) -> None:
    with app.test_request_context():
        address = app.jinja_env.globals["asset"](STYLE)
    answer = client.get(address)
    assert answer.headers["Cache-Control"] == FOREVER
    assert answer.mimetype == "text/css"


def test_the_address_of_a_former_content_gives_the_present_one_and_may_not_be_kept(client) -> None:
    answer = client.get("/assets/site.0123456789.css")
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize(
    ("wish", "given", "undo"), [("br", "br", brotli.decompress), ("gzip", "gzip", gzip.decompress)]
)
def test_files_travel_compressed_when_the_browser_can(client, wish: str, given: str, undo) -> None:
    plain = client.get("/assets/site.css", headers={"Accept-Encoding": "identity"})
    answer = client.get("/assets/site.css", headers={"Accept-Encoding": wish})
    assert answer.headers["Content-Encoding"] == given
    assert answer.headers["Vary"] == "Accept-Encoding"
    assert undo(answer.data) == plain.data
    assert "Content-Encoding" not in plain.headers


def test_a_file_sets_no_cookie_and_varies_by_none(client) -> None:
    client.get("/styleguide")
    answer = client.get("/assets/vendor/icons.svg", headers={"Accept-Encoding": "gzip"})
    assert "Set-Cookie" not in answer.headers
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "Cookie" not in answer.headers["Vary"]


def test_a_file_the_browser_has_is_not_sent_again(client) -> None:
    first = client.get("/assets/js/app.js")
    again = client.get("/assets/js/app.js", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304
    assert again.data == b""


def test_minified_style_means_the_same() -> None:
    assert minified("/* why */ a:hover , b > c { margin : 0 ; width: calc(1px + 2px) ; }") == (
        "a:hover,b>c{margin:0;width:calc(1px + 2px)}"
    )
    assert minified("a { color: red; }\n.x :is(b, c) { d: e }") == "a{color:red}.x :is(b,c){d:e}"


def test_every_vendored_package_brings_its_licence() -> None:
    for name, words in {"htmx": "Zero-Clause BSD", "figtree": "SIL Open Font License", "lucide": "ISC License"}.items():
        assert words in (VENDOR / "licences" / f"{name}.txt").read_text()


def test_the_sprite_holds_the_icons_of_the_list() -> None:
    listed = set((ROOT / "scripts" / "icons.txt").read_text().split())
    drawn = set(re.findall(r'<symbol id="([\w-]+)"', (VENDOR / "icons.svg").read_text()))
    assert drawn == listed


def test_every_icon_that_a_page_names_is_in_the_sprite() -> None:
    drawn = set(re.findall(r'<symbol id="([\w-]+)"', (VENDOR / "icons.svg").read_text()))
    pages = [*ROOT.glob("templates/**/*.html"), *ROOT.glob("plugins/*/templates/**/*.html")]
    named = {name: page for page in pages for name in re.findall(r"\bicon\('([\w-]+)'", page.read_text())}
    sources = [*ROOT.glob("marketplace/**/*.py"), *ROOT.glob("plugins/*/*.py")]
    named |= {name: path for path in sources for name in re.findall(r'\bicon="([\w-]+)"', path.read_text())}
    assert len(named) > 30
    missing = {name: str(page.relative_to(ROOT)) for name, page in named.items() if name not in drawn}
    assert not missing, f"add to scripts/icons.txt and run scripts/vendor_frontend.py: {missing}"


def test_every_class_that_a_page_uses_is_styled(files: Assets) -> None:
    styled = set(re.findall(r"\.([a-z][\w-]*)", files.get(STYLE).body.decode()))
    pages = [*ROOT.glob("templates/**/*.html"), *ROOT.glob("plugins/*/templates/**/*.html")]
    used = {
        (name, page.name)
        for page in pages
        for text in re.findall(r'\bclass="([^"]*)"', page.read_text())
        for name in re.sub(r"{[{%].*?[%}]}", "", text).split()
        if not name.endswith("-")
    }
    plugins = "".join(sheet.read_text() for sheet in ROOT.glob("plugins/*/static/**/*.css"))
    assert len(used) > 50
    assert sorted(each for each in used if each[0] not in styled and f".{each[0]}" not in plugins) == []


def test_no_source_of_the_pages_holds_inline_style_or_script() -> None:
    pages = [*ROOT.glob("templates/**/*.html"), *ROOT.glob("plugins/*/templates/**/*.html")]
    wrong = re.compile(r"""\s(?:style|on[a-z]+)=["']|<style|<script(?![^>]*\bsrc=)|hx-on|["']js:""")
    found = [f"{page.name}: {hit}" for page in pages for hit in wrong.findall(page.read_text())]
    assert len(pages) > 10
    assert found == []
