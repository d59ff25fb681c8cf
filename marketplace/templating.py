"""Jinja globals and filters."""

from flask import Flask


def init_templating(app: Flask) -> None:
    """Register them."""
