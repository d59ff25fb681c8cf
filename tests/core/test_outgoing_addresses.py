"""Where webhooks may not lead: machines that only we can reach, whatever their address is written like."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from ssl import PROTOCOL_TLS_SERVER, SSLContext
from typing import Any

import pytest
import trustme
from flask import Flask

from marketplace.config import BadSettings
from marketplace.outgoing import addresses, calling
from marketplace.outgoing.addresses import NotAllowed
from tests.core.webhook_receiver import receiving

PUBLIC, LOOPBACK = "93.184.215.14", ("127.0.0.0/8",)
INTERNAL = (
    "127.0.0.1", "127.8.8.8", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254", "169.254.1.1",
    "100.64.0.1", "100.100.100.200", "168.63.129.16", "0.0.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "192.0.2.1",
    "198.18.0.1", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1", "::ffff:127.0.0.1",
    "::ffff:10.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2002:a00:1::1",
    "2001:db8::1", "2001:0:7f00:1::",
)  # fmt: skip


def _names(monkeypatch: pytest.MonkeyPatch, *rounds: tuple[str, ...]) -> list[str]:
    """Let names mean these numbers, another list at each question; gives the names that were asked for."""
    asked: list[str] = []

    def answer(host: str, port: int, *_more: Any, **_named: Any) -> list[Any]:
        numbers = rounds[min(len(asked), len(rounds) - 1)]
        asked.append(host)
        if not numbers:
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (number, port)) for number in numbers]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    return asked


@pytest.mark.parametrize("number", INTERNAL)
def test_internal_addresses_are_refused_as_numbers_and_behind_names(
    number: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    literal = f"[{number.partition('%')[0]}]" if ":" in number else number
    with pytest.raises(NotAllowed, match="internal"):
        addresses.check(f"https://{literal}/in", ())
    _names(monkeypatch, (number,))
    with pytest.raises(NotAllowed, match="internal"):
        addresses.resolve(addresses.split("https://hooks.example/in"), ())


@pytest.mark.parametrize("numbers", [(PUBLIC, "10.0.0.1"), ("::ffff:127.0.0.1", PUBLIC)])
def test_a_name_with_one_internal_address_is_refused_as_a_whole(
    numbers: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    _names(monkeypatch, numbers)
    with pytest.raises(NotAllowed, match="internal"):
        addresses.resolve(addresses.split("https://hooks.example/in"), ())


@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "0177.0.0.1", "127.1", "localhost", "LOCALHOST."])
def test_odd_ways_to_write_this_machine_are_seen_through(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _names(monkeypatch, ("127.0.0.1",))  # what the operating system makes of them
    with pytest.raises(NotAllowed):
        addresses.resolve(addresses.split(f"https://{host}/"), ())


@pytest.mark.parametrize(
    "url",
    [
        "", "hooks.example", "ftp://hooks.example/", "file:///etc/passwd", "https://", "https:///in", "https://a:b@hooks.example/",
        "https://hooks.example@10.0.0.1/", "https://hooks.example:0/", "https://hooks.example:99999/", "https://hooks.example/#x",
        "https://hooks.example/ x", "https://hooks.example/\r\nHost: other", "https://hooks.exämple/", "https://hooks.example\\@x/",
        "https://[::1/", "gopher://hooks.example/", "https://hooks.example/" + "x" * 500,
    ],
)  # fmt: skip
def test_what_is_no_plain_address_is_refused(url: str) -> None:
    with pytest.raises(NotAllowed):
        addresses.check(url, ())


def test_public_machines_are_reached_by_https_only(monkeypatch: pytest.MonkeyPatch) -> None:
    _names(monkeypatch, (PUBLIC, "2606:2800:21f:cb07:6820:80da:af6b:8b2c"))
    found = addresses.resolve(addresses.split("https://hooks.example/in"), ())
    assert found == [PUBLIC, "2606:2800:21f:cb07:6820:80da:af6b:8b2c"]
    with pytest.raises(NotAllowed, match="https"):
        addresses.check("http://hooks.example/in", ())
    with pytest.raises(NotAllowed, match="https"):
        addresses.resolve(addresses.split("http://hooks.example/in"), LOOPBACK)


def test_a_name_that_nobody_knows_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for numbers in ((), ("not a number",)):
        _names(monkeypatch, numbers)
        with pytest.raises(ValueError, match="not"):
            addresses.resolve(addresses.split("https://hooks.example/in"), ())


def test_networks_that_are_allowed_are_reached_and_no_others() -> None:
    addresses.check("http://127.0.0.1:8080/in", LOOPBACK)
    addresses.check("http://[::ffff:127.0.0.1]/in", LOOPBACK)
    with pytest.raises(NotAllowed):
        addresses.check("http://10.0.0.1/", LOOPBACK)


def test_networks_that_are_none_stop_the_start(make_settings: Callable[..., Any]) -> None:
    with pytest.raises(BadSettings, match="OUTGOING_NETWORKS"):
        make_settings(outgoing_networks=("localhost",))


def test_the_connection_goes_to_the_number_that_was_checked(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = _names(monkeypatch, (PUBLIC,), ("127.0.0.1",))
    called: list[Any] = []

    def connect(target: Any, **_named: Any) -> Any:
        called.append(target)
        raise ConnectionRefusedError("nobody")

    monkeypatch.setattr(socket, "create_connection", connect)
    answer = calling.post("https://hooks.example/in", b"{}", {}, ())
    assert asked == ["hooks.example"], "the name is asked for once"
    assert called == [(PUBLIC, 443)]
    assert answer.status is None
    assert "nobody" in answer.error


def test_an_internal_address_is_never_called(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving() as internal:
        port = internal.url.rpartition(":")[2]
        _names(monkeypatch, ("127.0.0.1",))
        for url in (internal.url, f"https://127.0.0.1:{port}/", f"https://hooks.example:{port}/"):
            answer = calling.post(url, b"{}", {}, ())
            assert answer.status is None
            assert answer.error.startswith("not allowed: ")
        assert internal.got == []


@pytest.mark.parametrize(("name", "arrives"), [("hooks.example", True), ("other.example", False)])
def test_tls_is_checked_in_the_name_of_the_host_not_of_the_number(
    app: Flask, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, arrives: bool
) -> None:
    authority = trustme.CA()
    trusted = tmp_path / "trusted.pem"
    authority.cert_pem.write_to_path(str(trusted))
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    context = SSLContext(PROTOCOL_TLS_SERVER)
    authority.issue_cert("hooks.example").configure_cert(context)
    with receiving(context) as other:
        port = other.url.rpartition(":")[2]
        _names(monkeypatch, ("127.0.0.1",))
        answer = calling.post(f"https://{name}:{port}/in", b"{}", {"webhook-id": "msg_1"}, LOOPBACK)
        assert (answer.status == 200) == arrives, answer
        assert [got.headers["host"] for got in other.got] == ([f"hooks.example:{port}"] if arrives else [])


def test_an_unknown_authority_is_refused(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    context = SSLContext(PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    with receiving(context) as other:
        answer = calling.post(other.url, b"{}", {}, LOOPBACK)
        assert answer.status is None
        assert "certificate" in answer.error.lower()
        assert other.got == []
