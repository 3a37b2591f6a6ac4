"""What the API server's refusals mean to us: translated here once, without the values that it quotes. Pure."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from adit.cluster.cluster import (
    ClusterUnavailable,
    Conflict,
    Expired,
    Forbidden,
    Invalid,
    Manifest,
    ObjectNotFound,
)
from adit.errors import AditError

_MAX_MESSAGE = 2_000
_MAX_CAUSES = 10
_MAX_RETRY_SECONDS = 3_600.0
# the words of the API machinery after which it quotes the refused value, which may be a patient's
_QUOTING = re.compile(r"(Invalid value|Unsupported value|Duplicate value|Not found): ", re.ASCII)
# how an apply that breaks the schema begins; the API server gives it as HTTP 500
_UNTYPED = "failed to create typed patch object"
_BUSY = {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.REQUEST_TIMEOUT}
_GO_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')


class Throttled(ClusterUnavailable):
    """The API server has too much to do; `retry_after` is the number of seconds that it asks for."""

    default_reason = "Throttled"

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that is no success: HTTP status, body, and the seconds of Retry-After where it has them."""

    status: int
    body: bytes
    retry_after: float | None = None


def refusal(answer: Answer, about: str) -> AditError:
    """Our error for an answer; `about` names the object or the kind that was asked for."""
    return _error(answer.status, _status_of(answer.body), about, answer.retry_after)


def refusal_of_event(status: Any, about: str) -> AditError:
    """Our error for the Status object of a watch's ERROR event."""
    found = status if isinstance(status, dict) else {}
    code = found.get("code")
    return _error(code if isinstance(code, int) else 500, found, about, None)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds of a Retry-After header; a date, which Kubernetes never sends, is not read."""
    value = headers.get("Retry-After", "")
    return min(float(value), _MAX_RETRY_SECONDS) if value.isascii() and value.isdecimal() else None


def _error(code: int, status: Manifest, about: str, pause: float | None) -> AditError:
    said = _message(status)
    if code in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE} and pause is not None:
        return Throttled(f"{about}: the cluster has too much to do: try again in {pause:g} s", pause)
    if said.startswith(_UNTYPED):
        return Invalid(f"{about}: {said}")
    if code >= 500 or code in _BUSY:  # noqa: PLR2004  # the server's errors, as HTTP counts them
        return ClusterUnavailable(f"{about}: the cluster answered HTTP {code}" + (f": {said}" if said else ""))
    return _of_client(code, status, about, said or f"HTTP {code}")


def _of_client(code: int, status: Manifest, about: str, said: str) -> AditError:
    """What is wrong with the request, or was when it came."""
    match code:
        case HTTPStatus.NOT_FOUND:
            return ObjectNotFound(_not_found(status, about))
        case HTTPStatus.CONFLICT:
            return Conflict(f"{about}: {said}", reason=_conflict_reason(status))
        case HTTPStatus.GONE:
            return Expired(f"{about}: the position is too old: list again")
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN:
            return _forbidden(code, about, said)
        case _ if any(cause.get("field") == "metadata.uid" for cause in _causes(status)):
            # the server's word for an apply or a patch that is meant for another object of this name
            return Conflict(f"{about}: there is no object with the UID given now", reason="UidMismatch")
        case _:
            return Invalid(_invalid(status, about, said))


def _forbidden(code: int, about: str, said: str) -> Forbidden:
    if code == HTTPStatus.UNAUTHORIZED:
        return Forbidden(f"{about}: the cluster does not accept our credentials: sign in", reason="Unauthorized")
    return Forbidden(f"{about}: {said}")


def _not_found(status: Manifest, about: str) -> str:
    if not status:  # the API server's plain text: it knows no such path
        return f"{about}: the cluster does not know such objects: are the CustomResourceDefinitions installed?"
    return f"{about} does not exist"


def _conflict_reason(status: Manifest) -> str:
    if status.get("reason") == "AlreadyExists":
        return "AlreadyExists"
    return "FieldConflict" if any(c.get("reason") == "FieldManagerConflict" for c in _causes(status)) else "Conflict"


def _invalid(status: Manifest, about: str, said: str) -> str:
    """Every refused field with its reason; the message as a whole only where no field is named."""
    problems = [
        f"{str(cause['field'])[:200]}: {without_value(str(cause.get('message', '')))}"
        for cause in _causes(status)[:_MAX_CAUSES]
        if cause.get("field") not in {None, "", "<nil>"}
    ]
    return f"{about}: {'; '.join(problems)[:_MAX_MESSAGE] or said}"


def without_value(sentence: str) -> str:
    """A field error's sentence without the value that it quotes: all up to the value, and what follows it."""
    found = _QUOTING.match(sentence)
    if found is None:
        return sentence
    word, rest = found.group(1), sentence[found.end() :]
    detail = _after_value(rest)
    return f"{word}: {detail}" if detail else word


def _after_value(rest: str) -> str:
    """What follows the value; a rule of a CustomResourceDefinition quotes none, and its sentence begins at once."""
    quoted = _GO_STRING.match(rest)
    if quoted is not None:
        end = quoted.end()
    else:
        try:
            _, end = json.JSONDecoder().raw_decode(rest)
        except ValueError:
            return rest if rest[:1].isalpha() else ""  # else we cannot tell where the value ends: nothing is kept
    return rest[end + 2 :] if rest[end : end + 2] == ": " else ""


def _message(status: Manifest) -> str:
    """The message as a whole, unless it quotes refused values."""
    message = status.get("message")
    if not isinstance(message, str) or _QUOTING.search(message):
        return ""
    if message.startswith(_UNTYPED):
        message = _GO_STRING.sub('"…"', message)  # keys of list entries
    return message[:_MAX_MESSAGE]


def _causes(status: Manifest) -> list[Manifest]:
    details = status.get("details")
    causes = details.get("causes") if isinstance(details, dict) else None
    return [cause for cause in causes if isinstance(cause, dict)] if isinstance(causes, list) else []


def _status_of(body: bytes) -> Manifest:
    try:
        status = json.loads(body)
    except ValueError:
        return {}
    return status if isinstance(status, dict) and status.get("kind") == "Status" else {}
