"""Handing a sealed notice to the push service of a browser's vendor: only to services on the operator's list, only to public
addresses, only by https, nowhere else whatever an endpoint says.
"""

from __future__ import annotations

import http.client
import socket
import ssl
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from urllib.parse import urlsplit

from django.conf import settings

from .addresses import is_public
from .push_crypto import Subscription, public_key, seal, signature

TIMEOUT = 10  # seconds without a sign of life
GONE = (404, 410)  # RFC 8030, 7.3: the subscription is no more
NOT_NOW = (408, 425, 429)
LONGEST_PAUSE = timedelta(hours=4)


class Refused(Exception):
    """An endpoint that nothing is sent to."""


@dataclass(frozen=True)
class Parcel:
    """A notice for one browser. `ttl`: for how long the vendor keeps it for a browser that is off."""

    to: Subscription
    text: bytes
    ttl: timedelta
    topic: str  # a newer one with the same topic replaces one that has not been fetched


@dataclass(frozen=True)
class Answer:
    """What the push service says; 0 without an answer in time. `wait`: how long it wishes to be left alone."""

    status: int
    wait: timedelta | None = None

    @property
    def accepted(self) -> bool:
        """Whether the service has it."""
        return 200 <= self.status < 300

    @property
    def gone(self) -> bool:
        """Whether the browser no longer wishes any."""
        return self.status in GONE

    @property
    def not_now(self) -> bool:
        """Whether it is worth trying again."""
        return self.status == 0 or self.status in NOT_NOW or self.status >= 500


def is_on() -> bool:
    """Whether this house offers notices at all: only with a key of its own."""
    return bool(settings.PUSH_KEY)


def application_key() -> str:
    """The public key that browsers bind a subscription to; empty where notices are off."""
    return public_key(settings.PUSH_KEY) if is_on() else ""


def service_of(endpoint: str) -> tuple[str, int]:
    """Host and port of the push service. Raises Refused unless it is https and on the operator's list (PUSH_SERVICES):
    a host, `host:port`, or `.domain` for all below it.
    """
    try:
        parts = urlsplit(endpoint)
        host, port = (parts.hostname or "").lower(), parts.port or 443
    except ValueError as error:
        raise Refused("not an address") from error
    printable = endpoint.isascii() and endpoint.isprintable() and " " not in endpoint
    if parts.scheme != "https" or parts.username or parts.password or not printable:
        raise Refused("not a plain https address")
    name = host if port == 443 else f"{host}:{port}"
    if not any(name == one or one.startswith(".") and name.endswith(one) for one in settings.PUSH_SERVICES):
        raise Refused("not a push service of this house")
    return host, port


def hand_over(parcel: Parcel) -> Answer:
    """Seal it, sign it, send it; asks the database nothing. Raises Refused; everything else is an answer."""
    host, port = service_of(parcel.to.endpoint)
    parts = urlsplit(parcel.to.endpoint)
    headers = {
        "Authorization": signature(parcel.to.endpoint, settings.PUSH_KEY, settings.PUSH_CONTACT),
        "Content-Encoding": "aes128gcm",
        "Content-Type": "application/octet-stream",
        "TTL": str(max(0, int(parcel.ttl.total_seconds()))),
        "Urgency": "normal",
        "Topic": parcel.topic,
    }
    line = _Line(host, port, timeout=TIMEOUT, context=_trust(settings.PUSH_CA_FILE))
    try:
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        line.request("POST", path or "/", seal(parcel.text, parcel.to), headers)
        response = line.getresponse()
        return Answer(response.status, _wait(response.headers.get("Retry-After", "")))
    except (OSError, http.client.HTTPException):
        return Answer(0)
    except ValueError as error:  # a name that is none, keys that are none: of a row that got past the door
        raise Refused("not an address or not a key") from error
    finally:
        line.close()


class _Line(http.client.HTTPSConnection):
    """A line to the very address that was looked at, so that a name cannot point elsewhere in between."""

    def connect(self) -> None:
        """Look the name up, refuse what is not public, and speak TLS for the name."""
        raw = socket.create_connection((_address_of(self.host, self.port), self.port), self.timeout)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = self._context.wrap_socket(raw, server_hostname=self.host)  # type: ignore[attr-defined]


def _address_of(host: str, port: int) -> str:
    found = [str(row[4][0]) for row in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    for address in found:
        if not settings.PUSH_INSIDE and not is_public(address):
            raise Refused("not a public address")
    return found[0]


@cache
def _trust(file: str) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=file or None)


def _wait(text: str) -> timedelta | None:
    """Retry-After in seconds; a date there is rare, and the own pause will do."""
    return min(timedelta(seconds=int(text)), LONGEST_PAUSE) if text.isdecimal() and len(text) < 10 else None
