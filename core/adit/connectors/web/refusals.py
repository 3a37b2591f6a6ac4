"""What an HTTP answer that is no success means: one of our errors, with what a person can do about it.

Peers' own texts are never repeated: they may hold patient data.
"""

from collections.abc import Mapping
from http import HTTPStatus
from urllib.parse import urlsplit

from adit.errors import AccessDenied, AditError, NotFound, PeerUnavailable, PermanentError, RetryableError

LATER = frozenset({408, 409, 425, 429, 500, 502, 503, 504})
_MAX_RETRY_AFTER = 32


def unreachable(name: str, place: str, cause: str) -> PeerUnavailable:
    """Nobody answers at the door."""
    return PeerUnavailable(f"{name}: cannot connect to {place}: {cause}", peer=name)


def connection_lost(name: str, what: str, *, reason: str = "ConnectionLost") -> RetryableError:
    """It answered once, and then no more."""
    return RetryableError(f"{name}: {what}", reason=reason)


def not_dicomweb(name: str, place: str, got: str) -> PermanentError:
    """Something answers there, but it is no DICOMweb server."""
    return PermanentError(
        f"{name}: {place} answered with {got}: this URL does not speak DICOMweb; correct dicomweb.url and its prefixes",
        reason="NotDicomWeb",
    )


def refusal(
    name: str, status: int, headers: Mapping[str, str], *, place: str, field: str, missing: str = ""
) -> AditError:
    """The error of an answer that is no success.

    `field` is the part of the spec that leads to `place`; `missing` says what a 404 or 410 is about, where that is
    not the place itself.
    """
    if status in (401, 403):
        return AccessDenied(
            f"{name}: {place} refused our credentials ({_status(status)}); "
            "check the Secret of dicomweb.authorization and the rights of its user"
        )
    if status in (404, 410):
        if missing:
            return NotFound(f"{name}: does not have {missing} ({_status(status)} at {place})")
        return PermanentError(
            f"{name}: nothing is served at {place} ({_status(status)}); correct {field}", reason="WrongUrl"
        )
    if status in LATER:
        message = f"{name}: {place} cannot answer now ({_status(status)}){retry_after(headers)}"
        return RetryableError(message, reason="CannotAnswerNow")
    if 300 <= status < 400:  # noqa: PLR2004 - the redirections
        host = urlsplit(headers.get("location", "")).hostname or "another path"
        return PermanentError(
            f"{name}: {place} redirects to {host[:253]}; redirects are not followed, so that the credential "
            f"stays here: put the final URL into {field}",
            reason="Redirected",
        )
    return PermanentError(f"{name}: {place} refused the request ({_status(status)})", reason="Refused")


def retry_after(headers: Mapping[str, str]) -> str:
    """The server's wish when to come again, for the end of a message; empty where it has none."""
    value = headers.get("retry-after", "").strip()
    if not value or len(value) > _MAX_RETRY_AFTER or not value.isprintable():
        return ""
    return f"; it asks to come again after {value}{' s' if value.isdecimal() else ''}"


def _status(status: int) -> str:
    try:
        return f"HTTP {status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"HTTP {status}"
