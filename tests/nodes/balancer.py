"""A balancer as small as can be: it hands each request to the next node that is in, and knows nothing of sessions."""

from __future__ import annotations

import http.client
import itertools
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Balancer(ThreadingHTTPServer):
    """Nodes by their ports; `took` counts whom it asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Hand)
        self.nodes: list[int] = []
        self.took: Counter[int] = Counter()
        self.running: Counter[int] = Counter()
        self.turn = itertools.count()
        self.lock = threading.Condition()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def base(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def next_node(self) -> int:
        """Whose turn it is."""
        with self.lock:
            port = self.nodes[next(self.turn) % len(self.nodes)]
            self.took[port] += 1
            self.running[port] += 1
            return port

    def done(self, port: int) -> None:
        """One request less there."""
        with self.lock:
            self.running[port] -= 1
            self.lock.notify_all()

    def take_out(self, port: int) -> None:
        """Nothing more goes there; back when what runs there is answered (docs/operations.md, rolling restart)."""
        with self.lock:
            self.nodes.remove(port)
            assert self.lock.wait_for(lambda: not self.running[port], timeout=30)

    def put_in(self, port: int) -> None:
        """It takes part again."""
        with self.lock:
            self.nodes.append(port)


class Hand(BaseHTTPRequestHandler):
    """One request, handed on as it is."""

    server: Balancer

    def handle_any(self) -> None:
        """To whoever's turn it is, and back."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        port = self.server.next_node()
        try:
            node = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            node.request(self.command, self.path, body, dict(self.headers) | {"Connection": "close"})
            answer = node.getresponse()
            text = answer.read()
        finally:
            self.server.done(port)
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("transfer-encoding", "connection", "content-length"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = handle_any  # noqa: N815 (names of the standard library)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Nothing: addresses may be somebody's."""
