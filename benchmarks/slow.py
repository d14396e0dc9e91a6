"""How many slow clients hold up everybody else: the house alone, without a proxy in front."""

from __future__ import annotations

import socket
import time
import urllib.request
from typing import Any

from lernbegleitung.serve import House

from .house import served

HEAD = b"POST /accounts/login/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
WAYS: dict[str, bytes] = {
    "says nothing": b"",
    "half a request line": b"GET /accounts/lo",
    "headers without an end": b"GET /accounts/login/ HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ",
    "a body without an end": HEAD + b"Content-Length: 1000\r\n\r\nlogin=",
    "reads nothing": b"GET /accounts/login/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
}


def measure(house: House, numbers: tuple[int, ...] = (7, 8, 40)) -> dict[str, Any]:
    """Seconds until somebody else is answered, for each way of being slow and so many who are; 8 threads in all."""
    return {way: {number: waited(house, sent, number) for number in numbers} for way, sent in WAYS.items()}


def waited(house: House, sent: bytes, number: int) -> str:
    """On a server of its own, so that one way does not help another."""
    with served(house.env("lern_app"), "-c", "python:lernbegleitung.server") as (base, _pid):
        port = int(base.rpartition(":")[2])
        for _warm in range(8):
            answer_of(base)
        clients = [socket.create_connection(("127.0.0.1", port)) for _n in range(number)]
        for client in clients:
            client.sendall(sent)
        time.sleep(0.5)
        begun = time.perf_counter()
        try:
            answer_of(base, 40)
            return f"{time.perf_counter() - begun:.1f} s"
        except OSError:
            return "not within 40 s"
        finally:
            for client in clients:
                client.close()


def answer_of(base: str, patience: float = 5) -> None:
    """What the proxy asks."""
    urllib.request.urlopen(f"{base}/healthz", timeout=patience).close()
