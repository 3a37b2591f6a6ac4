"""One night in which everything goes wrong at once: every fault of a peer in a job of its own, and what it is called.

All jobs run in one `adit run`; each test looks at its job. Whatever was listed is at the destination or named.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from adit.api.conditions import condition_of
from adit.testing import patients
from adit.testing.datasets import Study, ct_study
from adit.testing.faults import Faults
from adit.testing.http_peer import HttpPeer, Response
from adit.testing.pacs import LoopbackPacs
from adit_cli.testing import manifests
from adit_cli.testing.program import Adit, Result, Told

STUDY = ct_study(patients.PLAIN, instances=14, rows=16)
ABSENT = ct_study(patients.UMLAUT, instances=1, label="absent")
HTML = Response("GET", ".*", 200, {"Content-Type": "text/html"}, (b"<html>Please sign in</html>",))


class Night:
    """The peers of the night by the names of their jobs, and how it went."""

    def __init__(self, folder: Path, stack: contextlib.ExitStack) -> None:
        self.folder, self._stack = folder, stack
        self.files = STUDY.write(folder / "files")
        self.destinations: dict[str, LoopbackPacs] = {}
        self.peers: dict[str, HttpPeer] = {}
        self.documents: list[manifests.Manifest] = []
        self.result: Result
        self.told: dict[str, Told] = {}

    @property
    def uids(self) -> frozenset[str]:
        return frozenset(path.stem for path in self.files)

    def pacs(self, name: str, faults: Faults | None = None, *, files: int = 0, **given: Any) -> LoopbackPacs:
        pacs = LoopbackPacs(self.folder / name, name.upper(), faults=faults, **given)
        pacs = self._stack.enter_context(pacs)
        pacs.load(self.files[:files])
        return pacs

    def job(self, name: str, source: str, destination: str, study: Study = STUDY, **spec: Any) -> None:
        self.documents.append(manifests.job(name, [study], source=source, destination=destination, **spec))

    def bad_source(self, name: str, faults: Faults | None = None, **given: Any) -> LoopbackPacs:
        """A source that does wrong, and a good destination of its own."""
        source, destination = self.pacs(f"{name}-from", faults, files=14, **given), self.pacs(f"{name}-to")
        self.destinations[name] = destination
        self.documents += [manifests.server(f"{name}-from", source), manifests.server(f"{name}-to", destination)]
        self.job(name, f"{name}-from", f"{name}-to")
        return source

    def bad_destination(self, name: str, faults: Faults | None = None, **given: Any) -> LoopbackPacs:
        """A destination that does wrong, and a good source of its own."""
        source, destination = self.pacs(f"{name}-from", files=14), self.pacs(f"{name}-to", faults, **given)
        self.destinations[name] = destination
        self.documents += [manifests.server(f"{name}-from", source), manifests.server(f"{name}-to", destination)]
        self.job(name, f"{name}-from", f"{name}-to")
        return destination

    def web_source(self, name: str, *responses: Response, **web: Any) -> None:
        """A DICOMweb server that answers by a script."""
        peer = self._stack.enter_context(HttpPeer(responses))
        self.peers[name] = peer
        self.documents.append(manifests.web_server(f"{name}-from", peer.url, **web))
        self.job(name, f"{name}-from", "fine")

    def seen(self, name: str) -> "Seen":
        """How the job of this name ended."""
        pacs = self.destinations.get(name)
        arrived = frozenset(one.sop_instance_uid for one in pacs.instances()) if pacs else frozenset()
        return Seen(self.told[name], arrived)


@dataclass(frozen=True)
class Seen:
    """How one job of the night ended."""

    told: Told
    arrived: frozenset[str]

    @property
    def phase(self) -> str | None:
        return self.told.job.status.phase

    @property
    def line(self) -> tuple[str, str]:
        """Reason and message of its one task."""
        [line] = self.told.lines
        return line.reason, line.message

    @property
    def stalled(self) -> tuple[str, str]:
        condition = condition_of(self.told.job.status.conditions, "Stalled")
        assert condition is not None
        assert condition.status == "True"
        return condition.reason, condition.message


def prepare(night: Night) -> None:
    """All the jobs."""
    fine = night.pacs("fine")
    night.documents += [manifests.server("fine", fine), manifests.server("good", night.pacs("good", files=14))]
    night.job("no-server", "nowhere", "fine")
    credential = {"secretRef": {"name": "absent", "key": "header"}}
    night.web_source("no-secret", authorization=credential)
    night.documents.append(manifests.secret("unlabelled", {"header": "Basic eDp5"}))
    night.web_source("no-label", authorization={"secretRef": {"name": "unlabelled", "key": "header"}})
    night.bad_source("calling", allowed_calling=["OTHER"])
    night.bad_source("called")
    night.documents[-3]["spec"]["aeTitle"] = "WRONG"
    night.bad_destination("contexts", Faults(no_storage_contexts=True))
    night.bad_source("closes", Faults(abort_fetch_after=3))
    night.bad_source("partial", Faults(fail_fetch_every_nth=2))
    night.bad_source("unreadable").instances()[4].path.write_bytes(b"\0" * 200)
    night.bad_source("find", Faults(find_status=0xC001))
    night.bad_destination("full", Faults(refuse_store_status=0xA700, refuse_store_after=5))
    night.bad_destination("drops", Faults(drop_every_nth_stored=7))
    night.bad_destination("drops-half", Faults(drop_every_nth_stored=7)).load(night.files[:7])
    night.bad_destination("half").load(night.files[:7])
    night.web_source("web-401", Response("GET", ".*", 401))
    night.web_source("web-404", Response("GET", ".*", 404))
    night.web_source("web-500", Response("GET", ".*", 500))
    night.web_source("web-html", HTML)
    night.destinations |= dict.fromkeys(("absent", "mismatch"), fine)
    night.job("absent", "good", "fine", ABSENT)
    night.job("mismatch", "good", "fine")
    night.documents[-1]["spec"]["tasks"][0]["patientId"] = patients.UMLAUT.patient_id


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Night]:
    folder = tmp_path_factory.mktemp("night")
    with contextlib.ExitStack() as stack:
        night = Night(folder, stack)
        prepare(night)
        adit = Adit(folder / "data")
        night.result = adit.run("run", manifests.write(folder / "night.yaml", night.documents))
        night.told = adit.told()
        yield night


def test_the_night_ends_with_1_and_tells_the_sentence_of_every_job_that_is_not_well(night: Night) -> None:
    assert night.result.code == 1
    for name, told in night.told.items():
        assert (f"TransferJob/{name}" in night.result.err) == (told.job.status.phase != "Success"), name
    assert "Traceback" not in night.result.err


def test_a_missing_server_is_named(night: Night) -> None:
    sentence = "there is no DicomServer nowhere in namespace default: create it, or correct the name"
    assert night.seen("no-server").stalled == ("ServerMissing", sentence)


def test_a_missing_secret_is_named_with_the_server_that_needs_it(night: Night) -> None:
    sentence = "Secret absent in namespace default is missing (the credential of DicomServer no-secret-from): create it"
    assert night.seen("no-secret").stalled == ("SecretMissing", sentence)


def test_a_secret_without_the_label_is_not_read_and_the_command_that_labels_it_is_told(night: Night) -> None:
    reason, sentence = night.seen("no-label").stalled
    assert reason == "SecretNotLabelled"
    assert "Secret unlabelled in namespace default may not be read as the credential of" in sentence
    assert "kubectl label secret -n default unlabelled adit.dev/purpose=credential" in sentence


def test_a_peer_that_does_not_know_our_ae_title_is_told_both_titles(night: Night) -> None:
    reason, sentence = night.seen("calling").stalled
    assert reason == "PeerRefusedAccess"
    assert sentence.startswith("calling-from does not know our AE title ADIT (it was called as CALLING-FROM); add ADIT")


def test_a_peer_that_goes_by_another_ae_title_is_told_both_titles(night: Night) -> None:
    reason, sentence = night.seen("called").stalled
    assert reason == "PeerRefusedAccess"
    told = "called-from does not go by the AE title WRONG (called by ADIT); set spec.aeTitle to its own"
    assert sentence.startswith(told)


def test_without_a_presentation_context_the_sop_class_and_syntax_are_named(night: Night) -> None:
    seen = night.seen("contexts")
    assert (seen.phase, seen.line) == (
        "Failure",
        (
            "NoPresentationContext",
            (
                "14 of 14 instances: contexts-to does not accept CT Image Storage in Explicit VR Little Endian from "
                "ADIT; allow this SOP class in this transfer syntax there"
            ),
        ),
    )
    assert seen.told.named == night.uids


def test_a_peer_that_closes_in_the_middle_of_a_study_loses_only_what_is_named(night: Night) -> None:
    seen = night.seen("closes")
    sentence = "8 of 14 instances: closes-from ended the association before it had answered everything"
    assert (seen.phase, seen.line) == ("Warning", ("ConnectionLost", sentence))
    assert len(seen.arrived) == 6
    assert seen.told.named == night.uids - seen.arrived


def test_what_a_partial_c_get_left_out_is_fetched_by_asking_again(night: Night) -> None:
    seen = night.seen("partial")
    assert (seen.phase, seen.arrived) == ("Success", night.uids)


def test_an_instance_whose_file_the_source_cannot_read_is_named_and_the_others_arrive(night: Night) -> None:
    seen = night.seen("unreadable")
    sentence = "1 of 14 instances: unreadable-to cannot understand it; its own log says why (C-STORE status 0xc000)"
    assert (seen.phase, seen.line) == ("Warning", ("CannotUnderstand", sentence))
    assert (len(seen.arrived), seen.told.named) == (13, night.uids - seen.arrived)


def test_a_source_that_fails_to_search_fails_the_task_with_its_status(night: Night) -> None:
    seen = night.seen("find")
    sentence = "find-from is unable to process the request; its own log says why (C-FIND status 0xc001)"
    assert (seen.phase, seen.line) == ("Failure", ("UnableToProcess", sentence))


def test_a_destination_out_of_resources_keeps_what_it_took_and_the_rest_is_named(night: Night) -> None:
    seen = night.seen("full")
    sentence = (
        "9 of 14 instances: full-to is out of resources; free some space there, or lower its spec.limits "
        "(C-STORE status 0xa700)"
    )
    assert (seen.phase, seen.line) == ("Warning", ("OutOfResources", sentence))
    assert (len(seen.arrived), seen.told.named) == (5, night.uids - seen.arrived)


def test_instances_that_a_destination_took_and_dropped_are_named_exactly(night: Night) -> None:
    seen = night.seen("drops")
    sentence = "2 of 14 instances: the destination took it but does not answer it"
    assert (seen.phase, seen.line) == ("Warning", ("NotVerified", sentence))
    assert (len(seen.arrived), seen.told.named) == (12, night.uids - seen.arrived)


def test_dropped_instances_are_named_though_the_destination_held_the_other_half_before(night: Night) -> None:
    seen = night.seen("drops-half")
    assert seen.phase == "Warning"
    # every 7th of 14 is forgotten; the first of the two had been there all along
    assert (len(seen.arrived), seen.told.named) == (13, night.uids - seen.arrived)


def test_a_destination_that_held_half_and_holds_all_afterwards_is_a_success(night: Night) -> None:
    seen = night.seen("half")
    assert (seen.phase, seen.told.entries, seen.arrived) == ("Success", (), night.uids)


def test_credentials_that_http_refuses_stall_the_job_and_name_the_secrets_field(night: Night) -> None:
    reason, sentence = night.seen("web-401").stalled
    assert reason == "PeerRefusedAccess"
    assert "refused our credentials (HTTP 401 Unauthorized); check the Secret of dicomweb.authorization" in sentence
    runners = [path for path in (night.folder / "data" / "logs").iterdir() if path.name.startswith("tj-web-401-")]
    assert len(runners) == 1  # it is not hammered


def test_a_wrong_url_is_told_with_the_field_to_correct(night: Night) -> None:
    seen = night.seen("web-404")
    reason, sentence = seen.line
    assert (seen.phase, reason) == ("Failure", "WrongUrl")
    assert sentence.endswith("(HTTP 404 Not Found); correct dicomweb.url or dicomweb.qidoPrefix")


def test_an_error_of_the_server_is_tried_three_times_and_told(night: Night) -> None:
    seen = night.seen("web-500")
    reason, sentence = seen.line
    assert (seen.phase, reason) == ("Failure", "CannotAnswerNow")
    assert sentence.endswith("cannot answer now (HTTP 500 Internal Server Error)")
    asked = night.peers["web-500"].requests  # by a probe for any study
    assert sum("StudyInstanceUID=" in one.path for one in asked) == 3


def test_a_page_for_people_is_no_dicomweb_and_is_called_so(night: Night) -> None:
    seen = night.seen("web-html")
    reason, sentence = seen.line
    assert (seen.phase, reason) == ("Failure", "NotDicomWeb")
    assert "answered with text/html instead of DICOM JSON: this URL does not speak DICOMweb" in sentence


def test_a_study_that_the_source_does_not_have_fails_its_task(night: Night) -> None:
    seen = night.seen("absent")
    assert (seen.phase, seen.line) == ("Failure", ("StudyNotFound", "the source does not have this study"))


def test_another_patient_id_at_the_source_is_a_warning_and_the_study_arrives(night: Night) -> None:
    seen = night.seen("mismatch")
    sentence = "the source keeps the study under another PatientID"
    assert (seen.phase, seen.line) == ("Warning", ("PatientIdMismatch", sentence))
    assert seen.arrived == night.uids


def test_whatever_was_listed_is_at_the_destination_or_named(night: Night) -> None:
    for name in night.destinations.keys() - {"absent", "mismatch"}:
        seen = night.seen(name)
        if any(line.instances.listed for line in seen.told.lines):
            assert seen.arrived | seen.told.named == night.uids, name
            assert not seen.arrived & seen.told.named, name


def test_no_patient_stands_in_what_the_night_printed_or_in_its_logs(night: Night) -> None:
    logs = "".join(path.read_text() for path in (night.folder / "data" / "logs").iterdir())
    for word in (patients.PLAIN.patient_id, patients.UMLAUT.patient_id, "Sample", STUDY.study_instance_uid):
        assert word not in night.result.out + night.result.err + logs
