"""Limits of views: counted for each address and view, only where and while they are on, and told with the time to wait."""

from collections.abc import Callable

from marketplace.pages import Site

MakeApp = Callable[..., Site]


def ask(site: Site, path: str, method: str = "POST", address: str = "192.0.2.1") -> tuple[int, int]:
    """Give the status and how many seconds to wait (0 when the answer does not say)."""
    answer = site.test_client().open(path, method=method, environ_overrides={"REMOTE_ADDR": address})
    return answer.status_code, int(answer.headers.get("Retry-After", 0))


def limited(make_app: MakeApp) -> Site:
    """Give a site with limits on, and without the protection that would refuse these bare requests first."""
    site = make_app()
    site.config.update(RATELIMIT_ENABLED=True, WTF_CSRF_METHODS=set(), WTF_CSRF_ENABLED=False)
    return site


def test_who_asks_too_often_is_told_how_long_to_wait(make_app: MakeApp) -> None:
    site = limited(make_app)
    allowed = [ask(site, "/forgot") for _time in range(5)]
    assert [status for status, _wait in allowed] == [422] * 5
    status, wait = ask(site, "/forgot")
    assert status == 429
    assert 1 <= wait <= 60


def test_each_address_and_each_view_is_counted_by_itself_and_reading_is_free(make_app: MakeApp) -> None:
    site = limited(make_app)
    for _time in range(6):
        ask(site, "/forgot")
    assert ask(site, "/forgot")[0] == 429
    assert ask(site, "/forgot", address="192.0.2.2")[0] == 422
    assert ask(site, "/confirm")[0] == 422
    assert ask(site, "/forgot", method="GET")[0] == 200


def test_another_app_counts_anew_and_limits_can_be_off(make_app: MakeApp) -> None:
    site = limited(make_app)
    for _time in range(6):
        ask(site, "/forgot")
    assert ask(limited(make_app), "/forgot")[0] == 422
    site.config["RATELIMIT_ENABLED"] = False
    assert ask(site, "/forgot")[0] == 422
