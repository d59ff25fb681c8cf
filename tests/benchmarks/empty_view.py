"""The limit for the webhook's latency: a Flask view that takes the body and does nothing with it."""

from __future__ import annotations

from flask import Flask, Response, request


def create_app() -> Flask:
    """Build an app with one view."""
    app = Flask("empty")

    @app.post("/webhooks/stripe")
    def empty() -> Response:
        request.get_data(cache=False)
        return Response(status=200)

    return app
