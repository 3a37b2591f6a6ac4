"""STOW-RS (PS3.18 §10.5): instances sent as they lie on disk, in groups; each has exactly one outcome."""

import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import httpx

from adit.connectors.web.door import Door, place
from adit.connectors.web.group import Group, groups
from adit.connectors.web.refusals import not_dicomweb, refusal
from adit.connectors.web.report import NoReport, Report, outcome, read_report
from adit.errors import AditError, PermanentError, RetryableError
from adit.transfer.instance import Instance
from adit.transfer.outcomes import StoreOutcome

MAX_ANSWER_BYTES = 16 << 20
# Statuses that may carry a report (table 10.5.3-1); without one, a single instance may be to blame for them.
_REPORTING = frozenset({200, 202, 400, 409})
_BLAMABLE = frozenset({400, 409, 413, 415, 422, 500})


@dataclass(frozen=True, slots=True)
class _Refused:
    """The whole request was refused, and a single instance may be why."""

    status: int
    error: AditError


class Stow:
    """Stores at one server."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def store(self, instances: Iterable[Instance]) -> Iterator[StoreOutcome]:
        """Send each instance and yield what the server says of it, in order."""
        for group in groups(instances):
            if isinstance(group, StoreOutcome):
                yield group
            else:
                yield from self._store(group)

    def _store(self, group: Group) -> Iterator[StoreOutcome]:
        """One request; where it is refused as a whole, one per instance, so that one does not end the rest."""
        answer = self._send(group)
        if isinstance(answer, _Refused) and len(group.instances) > 1:
            for instance in group.instances:
                yield from self._store(Group((instance,)))
            return
        for instance in group.instances:
            uid = instance.sop_instance_uid
            if isinstance(answer, _Refused):
                error = answer.error
                retryable = isinstance(error, RetryableError)
                yield StoreOutcome(
                    uid,
                    stored=False,
                    status=answer.status,
                    reason=error.reason,
                    message=error.message,
                    retryable=retryable,
                )
            else:
                report, status = answer
                yield outcome(report, uid, status, self._door.name)

    def _send(self, group: Group) -> tuple[Report, int] | _Refused:
        boundary = secrets.token_hex(16)
        headers = {
            "Content-Type": f'multipart/related; type="application/dicom"; boundary={boundary}',
            "Content-Length": str(group.length(boundary)),
            "Accept": "application/dicom+json",
        }
        with self._door.request(
            "POST", f"{self._door.root('stow')}/studies", headers, _complete(group, boundary)
        ) as response:
            if response.status_code in _REPORTING and (report := self._report(response)) is not None:
                return report, response.status_code
            error = refusal(
                self._door.name,
                response.status_code,
                response.headers,
                place=place(self._door.root("stow")),
                field="dicomweb.url or dicomweb.stowPrefix",
            )
        if response.status_code in _BLAMABLE:
            return _Refused(response.status_code, error)
        raise error

    def _report(self, response: httpx.Response) -> Report | None:
        """The server's report; None where a refusal carries none."""
        body = bytearray()
        for chunk in response.iter_bytes():
            body += chunk
            if len(body) > MAX_ANSWER_BYTES:
                raise PermanentError(
                    f"{self._door.name}: its answer to STOW-RS is larger than {MAX_ANSWER_BYTES >> 20} MiB"
                )
        try:
            report = read_report(bytes(body))
        except NoReport:
            report = Report()
        if report or (response.is_success and not _is_page(response)):
            return report  # a success that names nobody leaves each instance unconfirmed
        if response.is_success:
            raise not_dicomweb(self._door.name, place(self._door.root("stow")), "a web page instead of a report")
        return None


def _is_page(response: httpx.Response) -> bool:
    return str(response.headers.get("content-type", "")).lower().startswith("text/html")


def _complete(group: Group, boundary: str) -> Iterator[bytes]:
    try:
        yield from group.body(boundary)
    except (OSError, EOFError) as error:
        raise RetryableError(
            f"the spool of this program cannot be read while sending ({type(error).__name__})", reason="SpoolError"
        ) from error
