"""How many slow clients hold up everybody else: the house alone, without a proxy in front."""

from __future__ import annotations

import socket
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from lernbegleitung import server
from lernbegleitung.serve import House

from .house import CONFIG, served

PATIENCE, OTHERS = 10.0, 6  # seconds that so many others wait for an answer
FORM = b"POST /accounts/login/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
WAYS: dict[str, bytes] = {
    "says nothing": b"",
    "half a request line": b"GET /accounts/lo",
    "headers without an end": b"GET /accounts/login/ HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ",
    "a form without an end": FORM + b"Content-Length: 1000\r\n\r\nlogin=",
    "reads nothing": b"GET /accounts/login/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
}


def measure(house: House) -> dict[str, Any]:
    """For each way of being slow, and so many who are: how many of six others are answered within ten seconds."""
    threads = server.workers * server.threads
    numbers = (threads // 2, threads, 5 * threads)
    return {way: {number: answered(house, sent, number) for number in numbers} for way, sent in WAYS.items()}


def answered(house: House, sent: bytes, number: int) -> int:
    """On a server of its own, so that one way does not help another."""
    with served(house.env("lern_app"), *CONFIG) as (base, _pid):
        address = ("127.0.0.1", int(base.rpartition(":")[2]))
        clients = [socket.create_connection(address) for _n in range(number)]
        for client in clients:
            client.sendall(sent)
        time.sleep(0.5)

        def ask(_number: int) -> bool:
            try:
                urllib.request.urlopen(f"{base}/healthz", timeout=PATIENCE).close()
                return True
            except OSError:
                return False

        with ThreadPoolExecutor(OTHERS) as others:
            found = sum(others.map(ask, range(OTHERS)))
        for client in clients:
            client.close()
        return found
