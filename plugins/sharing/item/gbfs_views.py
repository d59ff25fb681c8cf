"""The GBFS feed's addresses, for everybody and kept for a minute."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from plugins.sharing.item import gbfs

blueprint = Blueprint("sharing_gbfs", __name__)


@blueprint.get("/gbfs/<any(gbfs, system_information, vehicle_types, vehicle_status):name>.json")
def feed(name: str) -> Response:
    """Give one of the feed's files."""
    answer = jsonify(gbfs.document(name))
    answer.headers["Cache-Control"] = f"public, max-age={gbfs.TTL_SECONDS}"
    answer.headers["Access-Control-Allow-Origin"] = (
        "*"  # the specification asks for it, so that maps in browsers can read it
    )
    return answer
