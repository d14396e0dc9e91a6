"""Get a calendar from an address that a person typed, without being led into the house (SSRF).

https only, and connected to exactly the address that was looked at: the name is resolved once, each of its addresses must
be public, and the connection goes there by number while the certificate is checked for the name. Each redirect is looked at
anew. Hosts that the operator names may be inner ones, for an Exchange of the own house (CALENDAR_INNER_HOSTS).
"""

from __future__ import annotations

import http.client
import socket
import ssl
import zlib
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import quote, urljoin, urlsplit

from accounts.addresses import is_public

WAIT = 10  # seconds for each answer of the net; the whole has its own end in busy_reading.py
MOST_BYTES = 5 * 1024 * 1024  # also of what is packed
MOST_REDIRECTS = 3
REDIRECTS = (301, 302, 303, 307, 308)
PROBLEMS = {401: "denied", 403: "denied", 404: "not_found", 410: "not_found"}
HEADERS = {"Accept": "text/calendar", "Accept-Encoding": "identity", "User-Agent": "Lernbegleitung"}


class Refused(Exception):
    """It was not read; `problem` is one of busy_calendars.Problem."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


@dataclass(frozen=True)
class Target:
    """Where to connect to, and what to ask there."""

    host: str
    port: int
    numbers: tuple[str, ...]
    path: str


class PinnedConnection(http.client.HTTPSConnection):
    """A connection to a number, with the certificate checked for the name."""

    def __init__(self, target: Target, number: str, context: ssl.SSLContext) -> None:
        super().__init__(target.host, target.port, timeout=WAIT, context=context)
        self.number, self.context = number, context

    def connect(self) -> None:
        """To the number that was looked at, whatever the name resolves to by now."""
        plain = socket.create_connection((self.number, self.port), WAIT)
        self.sock = self.context.wrap_socket(plain, server_hostname=self.host)


def fetch(address: str, *, inner_hosts: Collection[str] = (), ca_file: str = "") -> bytes:
    """What the address gives; raises Refused."""
    context = ssl.create_default_context()
    if ca_file:
        context.load_verify_locations(ca_file)
    for _redirect in range(MOST_REDIRECTS + 1):
        answer = _ask(target_of(address, inner_hosts), context)
        if isinstance(answer, bytes):
            return answer
        address = urljoin(address, answer)
    raise Refused("redirects")


def target_of(address: str, inner_hosts: Collection[str] = ()) -> Target:
    """Look at an address before anything is sent there; raises Refused."""
    host, port, path = _parts(address)
    inner = host in inner_hosts
    if port != 443 and not inner:
        raise Refused("address")
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise Refused("unreachable") from None
    numbers = tuple(dict.fromkeys(str(row[4][0]) for row in found))
    if not inner and not all(is_public(number) for number in numbers):
        raise Refused("address")
    return Target(host, port, numbers, path)


def may_be_fetched(address: str) -> bool:
    """Whether an address looks like one that may be fetched, without asking anybody."""
    try:
        return bool(_parts(address))
    except Refused:
        return False


def _parts(address: str) -> tuple[str, int, str]:
    """Host, port and path of an https address without login data; raises Refused."""
    try:
        parts = urlsplit(address)
        host = (parts.hostname or "").rstrip(".").encode("idna").decode().lower()
        port = parts.port or 443
    except (ValueError, UnicodeError):
        raise Refused("address") from None
    path = quote((parts.path or "/") + (f"?{parts.query}" if parts.query else ""), safe="/?&=%:;@+,!$'()*~")
    if parts.scheme != "https" or not host or parts.username is not None or any(sign.isspace() for sign in address):
        raise Refused("address")
    return host, port, path


def _ask(target: Target, context: ssl.SSLContext) -> bytes | str:
    """The content, or where it is to be asked for instead."""
    problem = "unreachable"
    for number in target.numbers[:4]:
        connection = PinnedConnection(target, number, context)
        try:
            connection.request("GET", target.path, headers=HEADERS)
            return _content(connection.getresponse())
        except ssl.SSLCertVerificationError:
            problem = "certificate"
        except (OSError, http.client.HTTPException, ValueError):
            continue
        finally:
            connection.close()
    raise Refused(problem)


def _content(response: http.client.HTTPResponse) -> bytes | str:
    if response.status in REDIRECTS and (location := response.headers.get("Location")):
        return location
    if response.status != 200:
        raise Refused(PROBLEMS.get(response.status, "server"))
    data = response.read(MOST_BYTES + 1)
    packing = response.headers.get("Content-Encoding", "identity").lower()
    if packing == "gzip":  # not asked for, but some send it
        try:
            data = zlib.decompressobj(16 + zlib.MAX_WBITS).decompress(data, MOST_BYTES + 1)
        except zlib.error:
            raise Refused("no_calendar") from None
    elif packing != "identity":
        raise Refused("no_calendar")
    if len(data) > MOST_BYTES:
        raise Refused("too_big")
    return data
