"""Files that are given as evidence in a dispute: kept by name and size only, nobody at this bank reads them."""

from werkzeug.datastructures import FileStorage

from marketplace.sandbox.calls import Call, listing, listing_route, route
from marketplace.sandbox.errors import InvalidRequest
from marketplace.sandbox.ids import new_id
from marketplace.sandbox.store import Doc

LARGEST = 5 * 1024 * 1024
TYPES = {"pdf": "pdf", "png": "png", "jpg": "jpg", "jpeg": "jpg"}


def label(upload: FileStorage) -> str:
    """Return what goes past the door of an uploaded file: its name and its size in bytes, one in each line."""
    with upload.stream as content:
        return f"{upload.filename}\n{len(content.read())}"


def create(call: Call) -> Doc:
    """Take a file in; its parameter holds, past the door, the file's name and its size in bytes."""
    params = call.params
    purpose = params.need_text("purpose")
    if purpose != "dispute_evidence":
        raise InvalidRequest("This bank takes files as evidence in disputes only.", param="purpose")
    name, _, size = params.need_text("file").rpartition("\n")
    kind = TYPES.get(name.rpartition(".")[2].lower())
    if kind is None:
        raise InvalidRequest("Evidence is a PDF, PNG or JPEG file.", param="file")
    if not 0 < int(size) <= LARGEST:
        raise InvalidRequest("A file of evidence holds more than nothing and at most 5 MB.", param="file")
    file: Doc = {
        "id": new_id("file"),
        "object": "file",
        "created": call.now,
        "expires_at": None,
        "filename": name,
        "links": {"object": "list", "data": [], "has_more": False, "url": "/v1/file_links"},
        "purpose": purpose,
        "size": int(size),
        "title": None,
        "type": kind,
        "url": None,
    }
    call.tx.insert(file, call.account)
    return file


ROUTES = (
    route("POST", "/v1/files", "files.create", create, "file purpose file_link_data"),
    listing_route(
        "/v1/files", "files.list", lambda call: listing(call, "file", "/v1/files", ("purpose",)), "created purpose"
    ),
    route("GET", "/v1/files/<id>", "files.retrieve", lambda call: call.subject("file")),
)
