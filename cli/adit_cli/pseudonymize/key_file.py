"""The project key as a file: 32 bytes as they are, in hexadecimal digits or in base64."""

import base64
import binascii
import os
import secrets
import stat
from pathlib import Path

from adit.errors import BadInput
from adit.pseudonymization.key import KEY_BYTES, ProjectKey

MAX_BYTES = 4096
OTHERS = stat.S_IRGRP | stat.S_IROTH


def read_key(path: Path) -> ProjectKey:
    """Raises BadInput where it is no key."""
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES)
    except OSError as error:
        raise BadInput(f"--key-file {path}: {error.strerror}") from error
    if len(raw) == KEY_BYTES:
        return ProjectKey(raw)
    key = _decoded(raw.strip())
    if key is None:
        raise BadInput(
            f"--key-file {path} holds no key: {KEY_BYTES} random bytes, as they are, in hexadecimal digits or in "
            "base64 (--new-key-file makes one)"
        )
    return ProjectKey(key)


def is_open_to_others(path: Path) -> bool:
    """Whether somebody else on this machine can read it."""
    return bool(path.stat().st_mode & OTHERS)


def make_key(path: Path) -> ProjectKey:
    """Write a new key that only its owner can read; never over a file that is there. Raises BadInput."""
    key = secrets.token_bytes(KEY_BYTES)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(base64.b64encode(key) + b"\n")
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError:
        raise BadInput(f"{path} is there already: a key is never replaced; name it with --key-file") from None
    except OSError as error:
        raise BadInput(f"{path} cannot be written: {error.strerror}") from error
    return ProjectKey(key)


def _decoded(text: bytes) -> bytes | None:
    for decode in (bytes.fromhex, _from_base64):
        try:
            key = decode(text.decode("ascii"))
        except (ValueError, UnicodeDecodeError, binascii.Error):
            continue
        if len(key) == KEY_BYTES:
            return key
    return None


def _from_base64(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
