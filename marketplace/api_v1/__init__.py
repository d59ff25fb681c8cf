"""The JSON API, version 1: operations declared by types, which validate, answer and document."""

from marketplace.api_v1.limits import often
from marketplace.api_v1.operations import Call, Reply
from marketplace.api_v1.paging import absolute, page, read_id
from marketplace.api_v1.parts import ApiPart
from marketplace.api_v1.shapes import (
    UNSET,
    Amount,
    Id,
    Input,
    LinkText,
    Meta,
    Output,
    Page,
    PageQuery,
    Person,
    Query,
    Time,
    UnsetType,
    Version,
    amount,
    given,
)

__all__ = [
    "UNSET", "Amount", "ApiPart", "Call", "Id", "Input", "LinkText", "Meta", "Output", "Page", "PageQuery", "Person", "Query",
    "Reply", "Time", "UnsetType", "Version", "absolute", "amount", "given", "often", "page", "read_id",
]  # fmt: skip
