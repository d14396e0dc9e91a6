"""The two things that web push asks for, by the book: sealing a notice for one browser (RFC 8291, RFC 8188), and saying who
sends it (VAPID, RFC 8292). Plain functions of values; the vendor's push service can read neither text nor keys.
"""

from __future__ import annotations

import base64
import json
import os
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

CURVE = ec.SECP256R1()
RECORD = 4096  # bytes; a notice is one record
LAST_RECORD = b"\x02"
LONGEST = 3000  # bytes of a notice; push services take four kilobytes
VALID_FOR = 12 * 3600  # seconds that a signature is good for; twenty-four hours at most


@dataclass(frozen=True)
class Subscription:
    """What a browser hands out: an address (https), its public key (65 bytes) and a secret (16), both base64url."""

    endpoint: str
    p256dh: str
    auth: str

    def check(self) -> None:
        """Raise ValueError unless the keys are keys."""
        _public(unpack(self.p256dh))
        if len(unpack(self.auth)) != 16:
            raise ValueError("the secret of a subscription has sixteen bytes")


def pack(raw: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def unpack(text: str) -> bytes:
    """The bytes of base64url, with padding or without. Raises ValueError."""
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def new_key() -> str:
    """A private key to sign with (PUSH_KEY)."""
    return pack(ec.generate_private_key(CURVE).private_numbers().private_value.to_bytes(32, "big"))


def public_key(key: str) -> str:
    """The public half, which browsers bind a subscription to (`applicationServerKey`)."""
    return pack(_point(_private(key)))


def seal(text: bytes, subscription: Subscription) -> bytes:
    """The text as only this browser can read it: aes128gcm with a fresh key of ours and fresh salt."""
    return seal_with(text, subscription, ec.generate_private_key(CURVE), os.urandom(16))


def seal_with(text: bytes, subscription: Subscription, ours: ec.EllipticCurvePrivateKey, salt: bytes) -> bytes:
    """As `seal`, with a given key and salt (the RFC's own example)."""
    if len(text) > LONGEST:
        raise ValueError("a notice is short")
    theirs, point = unpack(subscription.p256dh), _point(ours)
    secret = ours.exchange(ec.ECDH(), _public(theirs))
    shared = _derive(secret, unpack(subscription.auth), b"WebPush: info\0" + theirs + point, 32)
    key = _derive(shared, salt, b"Content-Encoding: aes128gcm\0", 16)
    nonce = _derive(shared, salt, b"Content-Encoding: nonce\0", 12)
    head = salt + RECORD.to_bytes(4, "big") + len(point).to_bytes(1, "big") + point
    return head + AESGCM(key).encrypt(nonce, text + LAST_RECORD, None)


def signature(endpoint: str, key: str, contact: str) -> str:
    """The Authorization header: a token for the push service of this endpoint, signed with our key (ES256)."""
    parts = urlsplit(endpoint)
    claims = {"aud": f"{parts.scheme}://{parts.netloc}", "exp": int(time.time()) + VALID_FOR, "sub": contact}
    said = ".".join(pack(json.dumps(part).encode()) for part in ({"typ": "JWT", "alg": "ES256"}, claims))
    private = _private(key)
    r, s = decode_dss_signature(private.sign(said.encode(), ec.ECDSA(hashes.SHA256())))
    return f"vapid t={said}.{pack(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}, k={pack(_point(private))}"


def _derive(secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(hashes.SHA256(), length, salt, info).derive(secret)


def _private(key: str) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(unpack(key), "big"), CURVE)


def _public(point: bytes) -> ec.EllipticCurvePublicKey:
    return ec.EllipticCurvePublicKey.from_encoded_point(CURVE, point)


def _point(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
