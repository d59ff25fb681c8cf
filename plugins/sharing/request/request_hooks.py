"""What asking first brings to the plugin's hooks, light enough for every start."""

from __future__ import annotations

from datetime import timedelta

from flask_babel import lazy_gettext as _l

from marketplace.api import JobKind, ListingKind, SettingSpec, late

REQUEST = ListingKind(
    name="request",
    label=_l("Request"),
    plural=_l("Requests"),
    icon="hand-helping",
    endpoint="sharing_requests.show",
    new_endpoint="sharing_requests.new",
    edit_endpoint="sharing_requests.edit",
    card_facts=late("plugins.sharing.request.request_reads:card_facts"),
    publish_problems=late("plugins.sharing.request.requests:problems"),
    on_publish=late("plugins.sharing.request.requests:on_publish"),
    on_close=late("plugins.sharing.request.requests:on_close"),
    api_details=late("plugins.sharing.request.request_reads:api_details"),
    help=_l("Say what you need and when. Those who live near can offer it."),
)
JOBS = (
    JobKind(
        "sharing.ask_around",
        late("plugins.sharing.request.request_rounds:ask_around"),
        label=_l("Tell neighbours of a request"),
    ),
    JobKind(
        "sharing.requests",
        late("plugins.sharing.request.request_rounds:sweep"),
        every=timedelta(minutes=5),
        label=_l("Mind the requests: reach farther, end them"),
    ),
)


def settings() -> list[SettingSpec]:
    """Give the settings of requests."""
    return [SettingSpec("sharing.requests_free", _l("What is asked for is lent free, never for a fee"), "bool", False,
        group=_l("Sharing"))]  # fmt: skip
