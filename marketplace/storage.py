"""Files of members: written under unguessable keys, served under /media/ for ever, or kept aside until a job has cleaned them."""

from __future__ import annotations

import os
import re
import secrets
from pathlib import Path
from typing import BinaryIO, Protocol

from flask import Blueprint, Response, abort, send_file

from marketplace.runtime import runtime

PUBLIC = "pictures"
"""Folder of what everybody may see who knows the key: pictures made by a job, without any data of the camera."""

RAW = "raw"
"""Folder of uploads as they came: never served, since a photo may hold the place where it was taken."""

PRIVATE = "private"
"""Folder of photos that some people may see: never served from here, only by who knows whom they are for."""

TYPES = {".webp": "image/webp", ".jpg": "image/jpeg"}
"""The only content types that are ever served, by the ending of the key."""

KEY = re.compile(r"(?P<folder>pictures|raw|private)/[0-9a-f]{2}/[0-9a-f]{40}(?:-\d{2,5})?(?P<suffix>\.[a-z0-9]{2,5})?")
FOREVER = "public, max-age=31536000, immutable"


class Storage(Protocol):
    """Where files are kept; keys come from `new_key`, and a key's bytes never change."""

    def save(self, key: str, data: bytes) -> None:
        """Keep `data` under `key`, all of it or nothing."""

    def open(self, key: str) -> BinaryIO:
        """Open what is kept under `key` for reading; raises FileNotFoundError."""

    def url(self, key: str) -> str:
        """Give the address under which a browser gets a public key."""

    def delete(self, key: str) -> None:
        """Forget `key`; no error when there is no such thing."""

    def exists(self, key: str) -> bool:
        """Tell whether something is kept under `key`."""


def new_key(folder: str) -> str:
    """Make a key that nobody can guess: 160 random bits, spread over 256 folders."""
    name = secrets.token_hex(20)
    return f"{folder}/{name[:2]}/{name}"


class LocalStorage:
    """Files in a folder of this machine."""

    def __init__(self, root: Path) -> None:
        """Keep files below `root`, which is made with the first file."""
        self.root = root

    def path(self, key: str) -> Path:
        """Give the file of a key; raises FileNotFoundError for anything that `new_key` did not make."""
        if not KEY.fullmatch(key):
            raise FileNotFoundError(key)
        return self.root / key

    def save(self, key: str, data: bytes) -> None:
        """Write beside the place first, so that nobody ever reads half a file."""
        target = self.path(key)
        target.parent.mkdir(parents=True, exist_ok=True)
        beside = target.with_name(f"{target.name}.{secrets.token_hex(4)}.part")
        try:
            beside.write_bytes(data)
            os.replace(beside, target)
        finally:
            beside.unlink(missing_ok=True)

    def open(self, key: str) -> BinaryIO:
        """Open the file of a key; raises FileNotFoundError."""
        return self.path(key).open("rb")

    def url(self, key: str) -> str:
        """Give the address of a public key."""
        return f"/media/{key}"

    def delete(self, key: str) -> None:
        """Remove the file of a key, if there is one."""
        self.path(key).unlink(missing_ok=True)

    def exists(self, key: str) -> bool:
        """Tell whether the file of a key is there."""
        try:
            return self.path(key).is_file()
        except FileNotFoundError:
            return False


def storage() -> LocalStorage:
    """Give the current app's storage."""
    here = runtime()
    kept: LocalStorage | None = here.parts.get("storage")
    if kept is None:
        kept = here.parts["storage"] = LocalStorage(Path(here.settings.storage_dir))
    return kept


blueprint = Blueprint("media", __name__)


@blueprint.get("/media/<path:key>")
def file(key: str) -> Response:
    """Serve a public file with its one safe content type; everything else is absent."""
    match = KEY.fullmatch(key)
    if match is None or match["folder"] != PUBLIC or match["suffix"] not in TYPES:
        abort(404)
    try:
        path = storage().path(key)
        answer = send_file(path, mimetype=TYPES[match["suffix"]], etag=False, conditional=True, max_age=None)
    except FileNotFoundError:
        abort(404)
    answer.headers["Cache-Control"] = FOREVER
    answer.headers["Content-Disposition"] = "inline"
    answer.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    # Pictures may be shown by others' link previews, nothing else here may be embedded.
    answer.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return answer
