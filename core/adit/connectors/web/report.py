"""What a STOW-RS server says of each instance (PS3.18 §10.5.3): the Store Instances Response, as outcomes."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from adit.connectors.dimse.status import Verdict, of_store
from adit.transfer.outcomes import StoreOutcome

_FAILED_SOPS, _REFERENCED_SOPS = "00081198", "00081199"
_INSTANCE, _FAILURE_REASON, _WARNING_REASON = "00081155", "00081197", "00081196"
PROCESSING_FAILURE = 0x0110


class NoReport(ValueError):
    """The body is not a Store Instances Response in DICOM JSON."""


@dataclass(frozen=True, slots=True)
class Report:
    """SOP Instance UID → reason (0 where none was given), of what was stored and of what failed."""

    stored: Mapping[str, int] = field(default_factory=dict)
    failed: Mapping[str, int] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.stored or self.failed)


def read_report(body: bytes) -> Report:
    """Read DICOM JSON; some servers put the one data set into a list. Raises NoReport."""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        raise NoReport from None
    if isinstance(content, list) and len(content) == 1:
        content = content[0]
    if not isinstance(content, dict):
        raise NoReport
    return Report(
        stored=dict(_references(content, _REFERENCED_SOPS, _WARNING_REASON)),
        failed=dict(_references(content, _FAILED_SOPS, _FAILURE_REASON)),
    )


def outcome(report: Report, sop_instance_uid: str, http_status: int, name: str) -> StoreOutcome:
    """The one outcome of an instance that was sent: failed where it says so, and never stored on silence."""
    if sop_instance_uid in report.failed:
        status = report.failed[sop_instance_uid] or PROCESSING_FAILURE
        meaning = of_store(status)
        return StoreOutcome(
            sop_instance_uid,
            # A server may list as failed what C-STORE knows as a warning: that it is there already.
            stored=meaning.verdict is Verdict.WARNED,
            status=status,
            reason=meaning.reason,
            message=f"{name} {meaning.text} (STOW-RS failure reason {status:#06x})",
            retryable=meaning.verdict is Verdict.RETRY,
        )
    if sop_instance_uid in report.stored:
        status = report.stored[sop_instance_uid]
        if not status:
            return StoreOutcome(sop_instance_uid, stored=True, status=http_status)
        meaning = of_store(status)
        message = f"{name} {meaning.text} (STOW-RS warning reason {status:#06x})"
        return StoreOutcome(sop_instance_uid, stored=True, status=status, reason=meaning.reason, message=message)
    return StoreOutcome(
        sop_instance_uid,
        stored=False,
        status=http_status,
        reason="NotConfirmed",
        message=f"{name} did not say what became of it (STOW-RS, HTTP {http_status})",
        retryable=True,
    )


def _references(content: Mapping[str, Any], sequence: str, reason: str) -> Iterator[tuple[str, int]]:
    """UID and reason of each item; an item that names no instance says nothing."""
    for item in _values(content, sequence):
        if not isinstance(item, dict):
            continue
        for uid in _values(item, _INSTANCE)[:1]:
            code = next(iter(_values(item, reason)), 0)
            yield str(uid).strip(" \0"), code if isinstance(code, int) else 0


def _values(content: Mapping[str, Any], tag: str) -> list[Any]:
    match content.get(tag):
        case {"Value": list(values)}:
            return values
    return []
