"""Every instance that is sent has exactly one outcome, whatever the server answers."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from adit.connectors.web import DicomWebConnector
from adit.errors import AccessDenied, AditError, PermanentError, RetryableError
from adit.testing.http_peer import HttpPeer, Request, Response
from adit.testing.odd_files import odd_files
from adit.transfer.instance import FileSlice, Instance
from adit.transfer.part10 import open_part10
from adit.transfer.placement import Placement

Open = Callable[..., DicomWebConnector]
Scripted = Callable[..., HttpPeer]
PLACEMENT = Placement("job")
JSON = {"Content-Type": "application/dicom+json"}


@pytest.fixture
def instances(tmp_path: Path) -> list[Instance]:
    return [open_part10(path) for path in list(odd_files(tmp_path / "odd").values())[:4]]


def report(stored: dict[str, int | None], failed: dict[str, int | None]) -> bytes:
    """A Store Instances Response: UID → warning or failure reason."""

    def items(reasons: dict[str, int | None], tag: str) -> dict[str, Any]:
        references = [
            {"00081155": {"vr": "UI", "Value": [uid]}, **({tag: {"vr": "US", "Value": [code]}} if code else {})}
            for uid, code in reasons.items()
        ]
        return {"vr": "SQ", "Value": references}

    return json.dumps({"00081199": items(stored, "00081196"), "00081198": items(failed, "00081197")}).encode()


def answer(status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> Response:
    return Response("POST", "/studies$", status, headers or JSON, (body,))


def store(web: DicomWebConnector, instances: list[Instance]) -> list[tuple[bool, str, bool]]:
    outcomes = list(web.store(instances, PLACEMENT))
    assert [one.sop_instance_uid for one in outcomes] == [one.sop_instance_uid for one in instances]
    return [(one.stored, one.reason, one.retryable) for one in outcomes]


def test_each_instance_has_the_outcome_that_the_server_reports(
    opened: Open, scripted: Scripted, instances: list[Instance]
) -> None:
    uids = [one.sop_instance_uid for one in instances]
    body = report({uids[0]: None, uids[1]: 0xB000}, {uids[2]: 0xA700})
    peer = scripted(answer(202, body))
    assert store(opened(peer.url), instances) == [
        (True, "", False),
        (True, "ElementsCoerced", False),
        (False, "OutOfResources", True),
        (False, "NotConfirmed", True),
    ]


def test_a_conflict_with_a_report_refuses_each_by_its_reason(
    opened: Open, scripted: Scripted, instances: list[Instance]
) -> None:
    peer = scripted(answer(409, report({}, {one.sop_instance_uid: 0x0122 for one in instances})))
    assert store(opened(peer.url), instances) == [(False, "SopClassNotSupported", False)] * 4
    assert len(peer.requests) == 1


def test_a_report_in_a_list_is_read_too(opened: Open, scripted: Scripted, instances: list[Instance]) -> None:
    peer = scripted(answer(200, b"[" + report({instances[0].sop_instance_uid: None}, {}) + b"]"))
    assert store(opened(peer.url), instances[:1]) == [(True, "", False)]


@pytest.mark.parametrize("body", [b"", b"{}", b"<NativeDicomModel/>", b"[" * 100_000, b'{"00081199": {"Value": 7}}'])
def test_a_success_that_names_nobody_confirms_nobody(
    opened: Open, scripted: Scripted, instances: list[Instance], body: bytes
) -> None:
    peer = scripted(answer(200, body))
    assert store(opened(peer.url), instances) == [(False, "NotConfirmed", True)] * 4


def test_a_web_page_says_that_nothing_was_stored(opened: Open, scripted: Scripted, instances: list[Instance]) -> None:
    peer = scripted(answer(200, b"<html>Log in</html>", {"Content-Type": "text/html"}))
    with pytest.raises(PermanentError, match="this URL does not speak DICOMweb"):
        store(opened(peer.url), instances)


@pytest.mark.parametrize(("status", "retryable"), [(400, False), (409, True), (413, False), (415, False), (500, True)])
def test_one_instance_that_the_server_chokes_on_does_not_end_the_rest(
    opened: Open, scripted: Scripted, instances: list[Instance], status: int, *, retryable: bool
) -> None:
    uids = [one.sop_instance_uid for one in instances]
    fine = answer(200, report(dict.fromkeys(uids), {}))
    whole, second = answer(status), answer(status)
    peer = scripted(*(once(one) for one in (whole, fine, second, fine, fine)))
    outcomes = store(opened(peer.url), instances)
    assert [stored for stored, _, _ in outcomes] == [True, False, True, True]
    assert outcomes[1][2] is retryable
    assert len(peer.requests) == 5


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (401, AccessDenied, "refused our credentials"),
        (404, PermanentError, "correct dicomweb.url or dicomweb.stowPrefix"),
        (429, RetryableError, "come again after 7 s"),
        (503, RetryableError, "come again after 7 s"),
        (302, PermanentError, "redirects are not followed"),
    ],
)
def test_where_nothing_more_can_be_sent_the_rest_is_not_tried(  # noqa: PLR0917 - fixtures
    opened: Open, scripted: Scripted, instances: list[Instance], status: int, kind: type[AditError], words: str
) -> None:
    peer = scripted(answer(status, headers={"Retry-After": "7"}))
    with pytest.raises(kind) as caught:
        store(opened(peer.url), instances)
    assert words in caught.value.message
    assert len(peer.requests) == 1


def test_an_unreadable_instance_is_found_out_before_it_is_on_the_wire(
    opened: Open, scripted: Scripted, instances: list[Instance]
) -> None:
    gone = instances[1].pieces[0]
    assert isinstance(gone, FileSlice)
    gone.path.unlink()
    peer = scripted(answer(200, report(dict.fromkeys(one.sop_instance_uid for one in instances), {})))
    outcomes = store(opened(peer.url), instances)
    assert outcomes[1] == (False, "UnreadableFile", False)
    assert [stored for stored, _, _ in outcomes] == [True, False, True, True]


def test_many_instances_go_in_groups_of_twenty(opened: Open, scripted: Scripted, tmp_path: Path) -> None:
    spool = tmp_path / "x.dcm"
    spool.write_bytes(bytes(100))
    many = [Instance("1.2", f"1.2.{n}", "1.2.840.10008.1.2.1", (FileSlice(spool, 0, 100),)) for n in range(45)]
    peer = scripted(answer(200, report(dict.fromkeys(one.sop_instance_uid for one in many), {})))
    assert all(stored for stored, _, _ in store(opened(peer.url), many))
    assert [parts_in(request) for request in peer.requests] == [20, 20, 5]


def test_large_instances_go_alone(opened: Open, scripted: Scripted, tmp_path: Path) -> None:
    spool = tmp_path / "x.dcm"
    with spool.open("wb") as file:
        file.truncate(40 << 20)
    large = [Instance("1.2", f"1.2.{n}", "1.2.840.10008.1.2.1", (FileSlice(spool, 0, 40 << 20),)) for n in range(2)]
    peer = scripted(answer(200, report(dict.fromkeys(one.sop_instance_uid for one in large), {})))
    assert all(stored for stored, _, _ in store(opened(peer.url), large))
    assert len(peer.requests) == 2


def test_the_length_is_told_before_the_body(opened: Open, scripted: Scripted, instances: list[Instance]) -> None:
    peer = scripted(answer(200, report(dict.fromkeys(one.sop_instance_uid for one in instances), {})))
    store(opened(peer.url), instances)
    [request] = peer.requests
    headers = {name.lower(): value for name, value in request.headers.items()}
    assert int(headers["content-length"]) == request.body_size
    assert "transfer-encoding" not in headers


def once(response: Response) -> Response:
    return Response(response.method, response.path, response.status, response.headers, response.body, once=True)


def parts_in(request: Request) -> int:
    return request.body.count(b"Content-Type: application/dicom\r\n")
