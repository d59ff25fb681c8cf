"""The blueprints of the API: its operations, its documentation, and the page where members make tokens."""

from flask import Blueprint

from marketplace.api_v1 import agreements, listings, members, messages, notifications, payments, pictures
from marketplace.api_v1.core_part import core
from marketplace.api_v1.docs_views import blueprint as docs
from marketplace.api_v1.token_views import blueprint as tokens

DECLARING = (members, listings, pictures, agreements, payments, messages, notifications)
"""The modules that declare the core's operations by being imported."""

BLUEPRINTS: tuple[Blueprint, ...] = (core.blueprint, docs, tokens)
