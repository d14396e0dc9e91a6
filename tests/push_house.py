"""A push service as a browser's vendor runs it, on this machine by https; and a browser that opens what is sealed for it.

Written from RFC 8291, RFC 8188 and RFC 8292 with plain HMAC, so that it shares no line with the code under test.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
import json
import os
import ssl
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.ciphers.aead import AESGCM


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "==")


def _hkdf(salt: bytes, secret: bytes, info: bytes, length: int) -> bytes:
    """HKDF (RFC 5869) for one block of SHA-256."""
    once = hmac.new(salt, secret, hashlib.sha256).digest()
    return hmac.new(once, info + b"\x01", hashlib.sha256).digest()[:length]


class Browser:
    """One subscription: its address, its key pair and its secret."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint, self.key, self.secret = endpoint, ec.generate_private_key(ec.SECP256R1()), os.urandom(16)

    @property
    def point(self) -> bytes:
        return self.key.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )

    def form(self) -> dict[str, str]:
        """What the page sends when it is switched on."""
        return {"endpoint": self.endpoint, "p256dh": b64(self.point), "auth": b64(self.secret)}

    def open(self, body: bytes) -> dict[str, str]:
        """The notice; raises InvalidTag when it is not for this browser."""
        salt, size, length = body[:16], int.from_bytes(body[16:20], "big"), body[20]
        theirs, sealed = body[21 : 21 + length], body[21 + length :]
        assert len(sealed) <= size and length == 65
        shared = self.key.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), theirs))
        secret = _hkdf(self.secret, shared, b"WebPush: info\x00" + self.point + theirs, 32)
        key = _hkdf(salt, secret, b"Content-Encoding: aes128gcm\x00", 16)
        nonce = _hkdf(salt, secret, b"Content-Encoding: nonce\x00", 12)
        text = AESGCM(key).decrypt(nonce, sealed, None).rstrip(b"\x00")
        assert text.endswith(b"\x02"), "the last record says that it is the last"
        return dict(json.loads(text[:-1]))


def claims_of(header: str) -> tuple[dict[str, Any], str]:
    """What a VAPID header claims, its signature checked with the key it brings; and that key."""
    fields = dict(part.strip().split("=", 1) for part in header.removeprefix("vapid ").split(","))
    head, said, signed = fields["t"].split(".")
    raw = unb64(signed)
    signature = utils.encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), unb64(fields["k"]))
    key.verify(signature, f"{head}.{said}".encode(), ec.ECDSA(hashes.SHA256()))
    assert json.loads(unb64(head)) == {"typ": "JWT", "alg": "ES256"}
    return json.loads(unb64(said)), fields["k"]


@dataclass
class PushService:
    """What came, and what is answered: a status, a Retry-After, seconds of silence before."""

    port: int = 0
    certificate: str = ""
    status: int = 201
    retry_after: str = ""
    silence: float = 0
    came: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    def browser(self, name: str = "one") -> Browser:
        return Browser(f"https://127.0.0.1:{self.port}/push/{name}")

    @property
    def bodies(self) -> list[bytes]:
        return [body for _path, _headers, body in self.came]


def serve(folder: Path) -> tuple[PushService, ThreadingHTTPServer]:
    """Start one; `shutdown()` of the second ends it."""
    service = PushService()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            service.came.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            time.sleep(service.silence)
            self.send_response(service.status)
            if service.retry_after:
                self.send_header("Retry-After", service.retry_after)
            if 300 <= service.status < 400:
                self.send_header("Location", f"https://127.0.0.1:{service.port}/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_what: Any) -> None:
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads, server.request_queue_size = True, 64
    server.socket.listen(server.request_queue_size)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate, key = _certificate(folder)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    service.port, service.certificate = server.server_address[1], str(certificate)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return service, server


def _certificate(folder: Path) -> tuple[Path, Path]:
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "push of this test")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=400)).not_valid_after(now + timedelta(days=400))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    files = folder / "push.crt", folder / "push.key"
    files[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return files
