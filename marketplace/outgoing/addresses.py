"""Where a webhook may lead: to public machines, and to no machine that only we can reach.

A name is resolved first and every address it has is looked at; the connection is then made to that very address, so that a
name that means something else a moment later changes nothing.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

from flask_babel import lazy_gettext as _l

LONGEST_URL = 500
MOST_ADDRESSES = 3

_NAT64 = IPv6Network("64:ff9b::/96")
_HOSTS_OF_CLOUDS = frozenset({ip_address("168.63.129.16")})
"""Public by number, but every machine of that cloud reaches its own host there."""

Address = IPv4Address | IPv6Address


WORDS = {
    "no_address": _l("not a web address"),
    "with_password": _l("an address with a name and password in it"),
    "with_fragment": _l("an address with a fragment"),
    "only_https": _l("only https addresses"),
    "unknown_name": _l("the name is not known"),
    "internal": _l("an internal address"),
}


class NotAllowed(ValueError):
    """The address may not be called; the text says why in the language of the request, `code` is what can be kept of it."""

    def __init__(self, code: str) -> None:
        """Take one of the reasons in WORDS."""
        super().__init__(WORDS[code])
        self.code = code


def split(url: str) -> SplitResult:
    """Take an address apart; raises NotAllowed for what is no plain http(s) address."""
    if len(url) > LONGEST_URL or not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise NotAllowed("no_address")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise NotAllowed("no_address") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise NotAllowed("no_address")
    if parts.username is not None or parts.password is not None:
        raise NotAllowed("with_password")
    if parts.fragment:
        raise NotAllowed("with_fragment")
    return parts


def check(url: str, networks: Iterable[str]) -> None:
    """Raise NotAllowed where an address can be refused without asking for its name; `networks` are allowed although internal."""
    parts = split(url)
    literal = _literal(parts.hostname or "")
    if literal is not None:
        _judge([literal], parts.scheme, networks)
    elif parts.scheme == "http" and not tuple(networks):
        raise NotAllowed("only_https")


def resolve(parts: SplitResult, networks: Iterable[str]) -> list[str]:
    """Give the numbers to connect to; raises NotAllowed when any of them is internal, or the name has none."""
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    literal = _literal(host)
    if literal is not None:
        found: list[Address] = [literal]
    else:
        try:
            answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            raise NotAllowed("unknown_name") from None
        found = [ip_address(str(answer[4][0]).partition("%")[0]) for answer in answers]
    _judge(found, parts.scheme, networks)
    return list(dict.fromkeys(map(str, found)))[:MOST_ADDRESSES]


def _literal(host: str) -> Address | None:
    try:
        return ip_address(host.partition("%")[0])
    except ValueError:
        return None


def _judge(found: Iterable[Address], scheme: str, networks: Iterable[str]) -> None:
    allowed = [ip_network(network) for network in networks]
    seen = 0
    for address in found:
        seen += 1
        inner = [address, *_embedded(address)]
        if any(inner[-1].version == network.version and inner[-1] in network for network in allowed):
            continue
        if not all(_is_public(one) for one in inner):
            raise NotAllowed("internal")
        if scheme != "https":
            raise NotAllowed("only_https")
    if not seen:
        raise NotAllowed("unknown_name")


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv6Address) and (address.ipv4_mapped or address in _NAT64):
        return True  # what counts is the IPv4 address inside, which is judged too
    return (
        address.is_global
        and not address.is_multicast
        and not address.is_reserved
        and not address.is_unspecified
        and address not in _HOSTS_OF_CLOUDS
    )


def _embedded(address: Address) -> list[Address]:
    """Give the IPv4 addresses that an IPv6 address leads to: mapped, translated, 6to4 or Teredo."""
    if not isinstance(address, IPv6Address):
        return []
    inner: list[Address] = []
    if address.ipv4_mapped is not None:
        inner.append(address.ipv4_mapped)
    if address.sixtofour is not None:
        inner.append(address.sixtofour)
    if address.teredo is not None:
        inner.extend(address.teredo)
    if address in _NAT64:
        inner.append(IPv4Address(int(address) & 0xFFFFFFFF))
    return inner
