"""Envelope encryption: texts are sealed under a data key, data keys are wrapped by the master key.

A sealed value is `0x01 | 12 bytes nonce | ciphertext and tag` (AES-256-GCM). The tag also covers the address
(table, row, column), so a value moved elsewhere does not open.
"""

import base64
import secrets
import shlex
import subprocess
from functools import cache
from typing import Any, Self, overload

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from . import rls

VERSION = b"\x01"


class CannotOpen(Exception):
    """The value was tampered with, belongs elsewhere, or its key is gone."""


def seal(key: bytes, address: str, text: bytes) -> bytes:
    """Seal bytes under a 256-bit key for one address."""
    nonce = secrets.token_bytes(12)
    return VERSION + nonce + AESGCM(key).encrypt(nonce, text, address.encode())


def unseal(key: bytes, address: str, sealed: bytes) -> bytes:
    """The bytes again; raises CannotOpen for anything but the untouched value at its own address."""
    if sealed[:1] != VERSION:
        raise CannotOpen(address)
    try:
        return AESGCM(key).decrypt(sealed[1:13], sealed[13:], address.encode())
    except InvalidTag as error:
        raise CannotOpen(address) from error


class Keyring:
    """The master keys: the first wraps, all open."""

    def __init__(self, lines: str) -> None:
        pairs = [line.strip().split(":", 1) for line in lines.splitlines() if line.strip()]
        self.keys: dict[str, bytes] = {name: base64.b64decode(value) for name, value in pairs}
        if not self.keys or any(len(key) != 32 for key in self.keys.values()):
            raise ValueError("MASTER_KEYS: one line per key, <id>:<base64 of 32 bytes>")
        self.current = next(iter(self.keys))

    def wrap(self, address: str, data_key: bytes) -> tuple[str, bytes]:
        """The id of the master key used, and the wrapped data key."""
        return self.current, seal(self.keys[self.current], f"key:{address}", data_key)

    def unwrap(self, name: str, address: str, wrapped: bytes) -> bytes:
        """The data key; raises CannotOpen when its master key is not on the ring."""
        if name not in self.keys:
            raise CannotOpen(address)
        return unseal(self.keys[name], f"key:{address}", wrapped)


def keys_from(command: str) -> str:
    """The lines of MASTER_KEYS as a command prints them (the hook for a key management system). No key, no start."""
    try:
        done = subprocess.run(shlex.split(command), capture_output=True, text=True, timeout=30, check=True)
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        raise ImproperlyConfigured(f"MASTER_KEYS_COMMAND did not answer with keys: {type(error).__name__}") from None
    return done.stdout.strip()


@cache
def keyring() -> Keyring:
    """The keyring of this process, from the settings."""
    return Keyring(settings.MASTER_KEYS)


def new_data_key() -> bytes:
    """256 random bits."""
    return secrets.token_bytes(32)


class SealedText:
    """A text attribute whose column `<name>_sealed` holds only ciphertext.

    The model says under which data key with a method `data_key() -> bytes`. An empty text is stored as empty
    bytes: that a field is empty is no secret, and empty fields then need no key.
    """

    def __init__(self) -> None:
        self.name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...
    @overload
    def __get__(self, instance: Any, owner: type) -> str: ...
    def __get__(self, instance: Any, owner: type) -> str | Self:
        if instance is None:
            return self
        sealed = bytes(getattr(instance, f"{self.name}_sealed") or b"")
        if not sealed:
            return ""
        text = unseal(instance.data_key(), self.address(instance), sealed).decode()
        rls.note_opened(instance)
        return text

    def __set__(self, instance: Any, text: str) -> None:
        sealed = seal(instance.data_key(), self.address(instance), text.encode()) if text else b""
        setattr(instance, f"{self.name}_sealed", sealed)

    def address(self, instance: Any) -> str:
        """Where this text lives: table, row, column."""
        return f"{instance._meta.db_table}:{instance.pk}:{self.name}"


def sealed_columns(model: type) -> list[str]:
    """The sealed attributes of a model, by name."""
    return [name for base in model.__mro__ for name, value in vars(base).items() if isinstance(value, SealedText)]
