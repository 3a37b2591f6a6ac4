from typing import Any

import pytest

from adit.api.dicom_folder import DicomFolderSpec
from adit.cluster.kinds import Ref
from adit_operator.accept import refusal
from adit_operator.observed import SeenFolder, SeenSecret
from adit_operator.testing.builders import DESTINATION, SOURCE, dicom_server, observed, tasks, transfer_job

WEB = {"url": "http://127.0.0.1:8042/dicom-web", "authorization": {"secretRef": {"name": "token", "key": "header"}}}
TOKEN = Ref("Secret", "default", "token")


def with_servers(source: Any = None, destination: Any = None, **changes: Any) -> Any:
    servers = {SOURCE: source or dicom_server(), DESTINATION: destination or dicom_server("research", port=11113)}
    return observed(changes.pop("job", None), servers=servers, **changes)


def test_a_job_whose_pieces_are_there_is_accepted() -> None:
    assert refusal(observed()) is None


def test_a_missing_server_is_named() -> None:
    told = refusal(observed(servers={SOURCE: dicom_server()}))
    assert told is not None
    assert told.reason == "ServerMissing"
    assert "DicomServer research in namespace default" in told.message


def test_a_missing_folder_is_named() -> None:
    job = transfer_job(spec={"destination": {"kind": "DicomFolder", "name": "archive"}})
    told = refusal(observed(job))
    assert told is not None
    assert told.reason == "FolderMissing"


def test_a_folder_is_a_destination() -> None:
    job = transfer_job(spec={"destination": {"kind": "DicomFolder", "name": "archive"}})
    ref = Ref("DicomFolder", "default", "archive")
    folder = SeenFolder(ref, "uid-archive", DicomFolderSpec.of({"volume": {"claimName": "archive"}}))
    assert refusal(observed(job, folders={ref: folder})) is None


@pytest.mark.parametrize(
    ("secret", "reason"),
    [
        (None, "SecretMissing"),
        (SeenSecret(TOKEN, None), "SecretNotLabelled"),
        (SeenSecret(TOKEN, "tasks", {"header": b"x"}), "SecretNotLabelled"),
        (SeenSecret(TOKEN, "credential", {"other": b"x"}), "SecretMissing"),
        (SeenSecret(TOKEN, "credential", {"header": b"x"}), None),
    ],
)
def test_the_credential_must_exist_be_labelled_and_hold_its_key(secret: SeenSecret | None, reason: str | None) -> None:
    secrets = {} if secret is None else {TOKEN: secret}
    told = refusal(with_servers(dicom_server(dicomweb=WEB), secrets=secrets))
    assert (told.reason if told else None) == reason


def test_the_command_that_labels_a_secret_is_told() -> None:
    told = refusal(with_servers(dicom_server(dicomweb=WEB), secrets={TOKEN: SeenSecret(TOKEN, None)}))
    assert told is not None
    assert "kubectl label secret -n default token adit.dev/purpose=credential" in told.message


def test_of_a_secret_with_another_purpose_no_command_is_told() -> None:
    told = refusal(with_servers(dicom_server(dicomweb=WEB), secrets={TOKEN: SeenSecret(TOKEN, "key")}))
    assert told is not None
    assert "kubectl" not in told.message
    assert "name another Secret in spec.dicomweb.authorization" in told.message


@pytest.mark.parametrize(
    ("dimse", "reason"),
    [
        ({"find": []}, "CapabilityMissing"),
        ({"get": False}, "CapabilityMissing"),
        ({"get": False, "move": True}, "ReceiverMissing"),
    ],
)
def test_a_source_must_find_and_give_images_away(dimse: dict[str, Any], reason: str) -> None:
    told = refusal(with_servers(dicom_server(dimse={"host": "h", "port": 104, **dimse})))
    assert told is not None
    assert told.reason == reason


MOVE_ONLY = {"host": "h", "port": 104, "get": False, "move": True}
TLS_SECRETS = {"certificateAuthority": {"name": "authority", "key": "ca.crt"}, "clientCertificate": "own"}
AUTHORITY, OWN = Ref("Secret", "default", "authority"), Ref("Secret", "default", "own")


def test_a_source_that_only_moves_needs_the_receiver_and_both_ways_to_it_are_told() -> None:
    server = dicom_server(dimse=MOVE_ONLY)
    told = refusal(with_servers(server))
    assert told is not None
    assert "receiver.enabled" in told.message
    assert "ADIT_RECEIVER_PORT" in told.message
    assert refusal(with_servers(server, receiver=True)) is None


def test_no_receiver_helps_where_the_order_does_not_name_the_move() -> None:
    told = refusal(with_servers(dicom_server(dimse=MOVE_ONLY, retrieveOrder=["CGet"]), receiver=True))
    assert told is not None
    assert told.reason == "CapabilityMissing"


@pytest.mark.parametrize(
    ("destinations", "job", "reason"),
    [
        (["RESEARCH"], None, None),
        (["OTHER"], None, "ReceiverMissing"),
        (
            ["RESEARCH"],
            transfer_job(
                spec={
                    "tasks": [{**task, "pseudonym": f"A{i}"} for i, task in enumerate(tasks(2))],
                    "pseudonymization": {"profile": "adit-compatible"},
                }
            ),
            "ReceiverMissing",
        ),
    ],
)
def test_a_source_that_may_send_to_the_destination_itself_needs_no_receiver(
    destinations: list[str], job: Any, reason: str | None
) -> None:
    told = refusal(with_servers(dicom_server(dimse={**MOVE_ONLY, "moveDestinations": destinations}), job=job))
    assert (told.reason if told else None) == reason


@pytest.mark.parametrize(
    ("secrets", "reason", "words"),
    [
        ({}, "SecretMissing", "the certificate authority of DicomServer pacs"),
        ({AUTHORITY: {"other": b""}}, "SecretMissing", "has no key ca.crt"),
        ({AUTHORITY: {"ca.crt": b"x"}}, "SecretMissing", "the client certificate of DicomServer pacs"),
        ({AUTHORITY: {"ca.crt": b"x"}, OWN: {"tls.crt": b"x"}}, "SecretMissing", "has no key tls.key"),
        ({AUTHORITY: {"ca.crt": b"x"}, OWN: {"tls.crt": b"x", "tls.key": b"x"}}, None, ""),
    ],
)
def test_the_certificates_of_a_server_must_be_there(
    secrets: dict[Ref, dict[str, bytes]], reason: str | None, words: str
) -> None:
    server = dicom_server(dimse={"host": "h", "port": 2762, "tls": TLS_SECRETS})
    seen = {ref: SeenSecret(ref, "credential", data) for ref, data in secrets.items()}
    told = refusal(with_servers(server, secrets=seen))
    assert (told.reason if told else None) == reason
    assert words in (told.message if told else "")


def test_an_unlabelled_certificate_is_refused_with_the_field_that_names_it() -> None:
    server = dicom_server(dimse={"host": "h", "port": 2762, "tls": {"clientCertificate": "own"}})
    unlabelled = refusal(with_servers(server, secrets={OWN: SeenSecret(OWN, None)}))
    assert unlabelled is not None
    assert unlabelled.reason == "SecretNotLabelled"
    assert "kubectl label secret -n default own adit.dev/purpose=credential" in unlabelled.message
    other = refusal(with_servers(server, secrets={OWN: SeenSecret(OWN, "key")}))
    assert other is not None
    assert "spec.dimse.tls.clientCertificate" in other.message


def test_a_destination_must_take_images() -> None:
    told = refusal(with_servers(destination=dicom_server("research", dimse={"host": "h", "port": 104, "store": False})))
    assert told is not None
    assert told.reason == "CapabilityMissing"


@pytest.mark.parametrize(
    ("method", "reason"),
    [("Instances", "VerificationImpossible"), ("Counts", "VerificationImpossible"), ("Auto", None), ("None", None)],
)
def test_a_destination_that_cannot_be_asked_verifies_only_by_its_answers(method: str, reason: str | None) -> None:
    blind = dicom_server("research", dimse={"host": "h", "port": 104, "find": []}, verification={"method": method})
    told = refusal(with_servers(destination=blind))
    assert (told.reason if told else None) == reason


def test_two_patients_of_one_study_are_invalid() -> None:
    both = [{**task, "studyInstanceUid": "1.2.3"} for task in tasks(2)]
    told = refusal(observed(transfer_job(spec={"tasks": both})))
    assert told is not None
    assert told.reason == "InvalidTasks"
    assert "spec.tasks[1].patientId" in told.message


def test_messages_carry_no_patient_id() -> None:
    both = [
        {"patientId": "SECRET-NAME", "studyInstanceUid": "1.2.3"},
        {"patientId": "OTHER", "studyInstanceUid": "1.2.3"},
    ]
    told = refusal(observed(transfer_job(spec={"tasks": both})))
    assert told is not None
    assert "SECRET-NAME" not in told.message


def test_an_unknown_profile_is_refused() -> None:
    named = [{**task, "pseudonym": f"A{i}"} for i, task in enumerate(tasks(2))]
    told = refusal(observed(transfer_job(spec={"tasks": named, "pseudonymization": {"profile": "mine"}})))
    assert told is not None
    assert told.reason == "ProfileNotFound"
    assert "adit-compatible" in told.message


@pytest.mark.parametrize(
    ("consumers", "reason"),
    [
        ([], "AccessDenied"),
        ([{"namespaces": {"from": "All"}}], None),
        ([{"namespaces": {"from": "Names", "names": ["default"]}, "roles": ["Source"]}], None),
        ([{"namespaces": {"from": "Names", "names": ["default"]}, "roles": ["Destination"]}], "AccessDenied"),
        ([{"namespaces": {"from": "All"}, "requirePseudonymization": True}], "AccessDenied"),
    ],
)
def test_a_server_of_another_namespace_needs_its_owners_grant(consumers: list[Any], reason: str | None) -> None:
    job = transfer_job(spec={"source": {"name": "pacs", "namespace": "radiology"}})
    foreign = dicom_server(namespace="radiology", allowedConsumers=consumers)
    servers = {Ref("DicomServer", "radiology", "pacs"): foreign, DESTINATION: dicom_server("research", port=11113)}
    told = refusal(observed(job, servers=servers))
    assert (told.reason if told else None) == reason


def test_one_endpoint_for_both_ends_needs_two_slots() -> None:
    one = dicom_server(limits={"maxAssociations": 2})
    other = dicom_server("research", aeTitle="PACS", limits={"maxAssociations": 2})
    told = refusal(with_servers(one, other, slots={"PACS@127.0.0.1:11112": 1}))
    assert told is not None
    assert told.reason == "CapTooSmall"
