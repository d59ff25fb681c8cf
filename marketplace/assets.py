"""Static files under names that carry their content's hash, so that browsers may keep them for ever.

Style sheets are several small sources put into cascade layers and served as one file. A plugin's `plugin.css` in its
blueprint's static folder joins the `plugin` layer. Everything is read once, at the first page that asks for an address;
compressed bodies are made at the first request that accepts them. So there is no build step and no file to keep in step.
"""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
import re
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from flask import Flask, current_app, request
from flask.globals import app_ctx
from werkzeug.wrappers import Request, Response

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

STATIC = Path(__file__).with_name("static")
LAYERS = ("reset", "tokens", "base", "layout", "components", "plugin", "utilities")
KEY, PREFIX = "marketplace_assets", "/assets/"
STYLE, CORE = "site.css", ""
FOREVER = "public, max-age=31536000, immutable"
COMPRESSED = (".css", ".js", ".svg", ".txt", ".webmanifest")
TYPES = {
    ".js": "text/javascript",
    ".woff2": "font/woff2",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
}
SOURCES_ONLY = ("css/",)


@dataclass(slots=True)
class Asset:
    """One file as it is served: its bytes, its type, and the encodings made so far."""

    name: str
    body: bytes
    digest: str
    encoded: dict[str, bytes] = field(default_factory=dict)

    @property
    def hashed_name(self) -> str:
        """Give `vendor/htmx.min.js` as `vendor/htmx.min.0a1b2c3d4e.js`."""
        stem, _, suffix = self.name.rpartition(".")
        return f"{stem}.{self.digest}.{suffix}"

    @property
    def mimetype(self) -> str:
        """Give the media type by the name's ending."""
        suffix = Path(self.name).suffix
        return TYPES.get(suffix) or mimetypes.guess_type(self.name)[0] or "application/octet-stream"

    def encode(self, encoding: str) -> bytes:
        """Give the body in "br", "gzip" or as it is; each encoding is made once per process."""
        if encoding == "identity" or not self.name.endswith(COMPRESSED):
            return self.body
        if encoding not in self.encoded:
            if encoding == "br":
                import brotli  # not needed before the first browser asks

                self.encoded[encoding] = brotli.compress(self.body, quality=9)
            else:
                self.encoded[encoding] = gzip.compress(self.body, 9, mtime=0)
        return self.encoded[encoding]


class Assets:
    """All static files of one app: the core's, and those of plugins' blueprints under the blueprint's name."""

    def __init__(self, folders: dict[str, Path]) -> None:
        """Take folders by name ("" is the core's); nothing is read yet."""
        self.folders = folders
        self._files: dict[str, Asset] = {}
        self._urls: dict[str, str] = {}
        self._lock = threading.Lock()

    def url(self, name: str) -> str:
        """Give the address of a static file without the site's root; raises FileNotFoundError."""
        try:
            return self._urls[name]
        except KeyError:
            return self._urls.setdefault(name, PREFIX + self.get(name).hashed_name)

    def get(self, name: str) -> Asset:
        """Give a file by its plain name, for example "vendor/icons.svg" or "funding/map.js"; raises FileNotFoundError."""
        found = self._files.get(name)
        if found is None:
            with self._lock:
                found = self._files.get(name) or self._load(name)
                self._files[name] = found
        return found

    def _load(self, name: str) -> Asset:
        body = self._style().encode() if name == STYLE else self._path(name).read_bytes()
        return Asset(name, body, hashlib.sha256(body).hexdigest()[:10])

    def _path(self, name: str) -> Path:
        owner, _, rest = name.partition("/")
        folder, inside = (self.folders[owner], rest) if owner in self.folders and rest else (self.folders[CORE], name)
        path = (folder / inside).resolve()
        if not path.is_relative_to(folder.resolve()) or not path.is_file() or name.startswith(SOURCES_ONLY):
            raise FileNotFoundError(name)
        return path

    def _style(self) -> str:
        layers = [f"@layer {','.join(LAYERS)};"]
        for layer in LAYERS:
            for path in self._sources(layer):
                layers.append(f"@layer {layer}{{{minified(self._linked(path.read_text(encoding='utf-8')))}}}")
        return "".join(layers)

    def _sources(self, layer: str) -> Iterator[Path]:
        if layer == "plugin":
            for owner in sorted(self.folders):
                if owner != CORE and (path := self.folders[owner] / "plugin.css").is_file():
                    yield path
            return
        css = self.folders[CORE] / "css"
        if (single := css / f"{layer}.css").is_file():
            yield single
        yield from sorted((css / layer).glob("*.css"))

    def _linked(self, text: str) -> str:
        """Turn `url("vendor/x.woff2")` into the hashed address, relative to the style sheet's own."""

        def hashed(match: re.Match[str]) -> str:
            path = self._path(match[1])
            digest = hashlib.sha256(path.read_bytes()).hexdigest()[:10]
            return f"url({Asset(match[1], b'', digest).hashed_name})"

        return re.sub(r'url\("([\w./-]+)"\)', hashed, text)


def minified(css: str) -> str:
    """Drop comments and needless space; strings and `calc()` keep theirs."""
    css = re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL)
    css = re.sub(r"\s+", " ", css)
    css = re.sub(r" ?([{};,>]) ?", r"\1", css)
    css = re.sub(r" ?: (?=[^{}]*[;}])", ":", css)
    return css.replace(";}", "}").strip()


def hashless(name: str) -> tuple[str, str]:
    """Split an address's name into the plain name and the hash in it ("" when it has none)."""
    match = re.fullmatch(r"(.+)\.([0-9a-f]{10})\.(\w+)", name)
    return (f"{match[1]}.{match[3]}", match[2]) if match else (name, "")


class AssetServer:
    """Answers addresses under /assets/ before Flask: no session, no cookie, so that any cache may keep the answer.

    Whatever is no static file goes on to the app, which says so in its own words.
    """

    def __init__(self, following: WSGIApplication, app: Flask) -> None:
        """Take the WSGI app that answers everything else, and the Flask app whose files these are."""
        self.following = following
        self.app = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        name: str = environ.get("PATH_INFO", "")
        if not name.startswith(PREFIX) or environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            return self.following(environ, start_response)
        plain, digest = hashless(name.removeprefix(PREFIX).encode("latin-1").decode("utf-8", "replace"))
        try:
            found = assets_of(self.app).get(plain)
        except (OSError, ValueError):
            return self.following(environ, start_response)
        return _answer(found, digest, Request(environ))(environ, start_response)


def _answer(found: Asset, digest: str, request: Request) -> Response:
    """Serve a static file; a name with yesterday's hash gets today's file, but may not be kept."""
    encoding = request.accept_encodings.best_match(["br", "gzip"], default="identity")
    body = found.encode(encoding)
    answer = Response(body, mimetype=found.mimetype)
    answer.set_etag(f"{found.digest}-{encoding}")
    answer.headers["Cache-Control"] = FOREVER if digest == found.digest else "no-cache"
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    if found.name.endswith(COMPRESSED):
        answer.headers["Vary"] = "Accept-Encoding"
        if body is not found.body:
            answer.headers["Content-Encoding"] = encoding
    answer.make_conditional(request)
    return answer


def assets_of(app: Flask) -> Assets:
    """Give an app's static files; plugins' folders are known once all blueprints are registered."""
    kept: Assets | None = app.extensions.get(KEY)
    if kept is None:
        folders = {CORE: STATIC}
        for each in app.iter_blueprints():
            if each.static_folder:
                folders[each.name] = Path(each.static_folder)
        kept = app.extensions[KEY] = Assets(folders)
    return kept


def asset(name: str) -> str:
    """Give the address of a static file as pages link to it; a page asks for dozens, so each request finds its root once."""
    kept: dict[str, tuple[str, Assets]] = app_ctx._get_current_object().g.__dict__  # type: ignore[attr-defined]
    found = kept.get(KEY)
    if found is None:
        found = kept[KEY] = (request.root_path.rstrip("/") if request else "", assets_of(current_app))
    root, assets = found
    return root + assets.url(name)


def init_assets(app: Flask) -> None:
    """Make `asset()` and the addresses under /assets/ known to the app; reads no file."""
    app.wsgi_app = AssetServer(app.wsgi_app, app)  # type: ignore[method-assign]
    app.jinja_env.globals["asset"] = asset
