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
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flask import Blueprint, Flask, Response, abort, current_app, request

STATIC = Path(__file__).with_name("static")
LAYERS = ("reset", "tokens", "base", "layout", "components", "plugin", "utilities")
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

    def __init__(self, folders: dict[str, Path], url_prefix: str) -> None:
        """Take folders by name ("" is the core's); nothing is read yet."""
        self.folders = folders
        self.url_prefix = url_prefix
        self._files: dict[str, Asset] = {}
        self._urls: dict[str, str] = {}
        self._lock = threading.Lock()

    def url(self, name: str) -> str:
        """Give the address of a static file without the site's root; raises FileNotFoundError."""
        try:
            return self._urls[name]
        except KeyError:
            return self._urls.setdefault(name, f"{self.url_prefix}/{self.get(name).hashed_name}")

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
    return re.sub(r": (?=[^{}]*[;}])", ":", css).replace(";}", "}").strip()


def hashless(name: str) -> tuple[str, str]:
    """Split an address's name into the plain name and the hash in it ("" when it has none)."""
    match = re.fullmatch(r"(.+)\.([0-9a-f]{10})\.(\w+)", name)
    return (f"{match[1]}.{match[3]}", match[2]) if match else (name, "")


blueprint = Blueprint("assets", __name__)


@blueprint.get("/assets/<path:name>")
def file(name: str) -> Response:
    """Serve a static file; a name with yesterday's hash gets today's file, but may not be kept."""
    plain, digest = hashless(name)
    try:
        found = assets().get(plain)
    except (FileNotFoundError, ValueError):
        abort(404)
    encoding = request.accept_encodings.best_match(["br", "gzip"], default="identity")
    body = found.encode(encoding)
    answer = Response(body, mimetype=found.mimetype)
    answer.set_etag(f"{found.digest}-{encoding}")
    answer.headers["Cache-Control"] = FOREVER if digest == found.digest else "no-cache"
    if found.name.endswith(COMPRESSED):
        answer.headers["Vary"] = "Accept-Encoding"
        if body is not found.body:
            answer.headers["Content-Encoding"] = encoding
    return answer.make_conditional(request)  # type: ignore[return-value]


def assets() -> Assets:
    """Give the current app's static files; plugins' folders are known once all blueprints are registered."""
    kept: Any = current_app.extensions["marketplace_assets"]
    if kept is None:
        folders = {CORE: STATIC}
        for name, each in current_app.blueprints.items():
            if each.static_folder:
                folders[name] = Path(each.static_folder)
        kept = current_app.extensions["marketplace_assets"] = Assets(folders, "/assets")
    found: Assets = kept
    return found


def asset(name: str) -> str:
    """Give the address of a static file as pages link to it."""
    return (request.root_path.rstrip("/") if request else "") + assets().url(name)


def init_assets(app: Flask) -> None:
    """Make `asset()` and the address /assets/ known to the app; reads no file."""
    app.extensions["marketplace_assets"] = None
    app.register_blueprint(blueprint)
    app.jinja_env.globals["asset"] = asset
