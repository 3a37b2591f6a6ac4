"""What was mounted: read strictly, refused in words, and never shown."""

import json
from pathlib import Path

import pytest

from adit.api.pseudonymization_profile import PseudonymizationProfileSpec
from adit.api.resource import TaskSet
from adit.api.task_set import TaskSetSpec
from adit.connectors import open_connector
from adit.connectors.connector import Connector
from adit.connectors.target import Target, TlsFiles
from adit.contract import RenderedFolder
from adit.errors import BadInput, RetryableError
from adit.pseudonymization.key import ProjectKey
from adit.pseudonymization.profile import ADIT_COMPATIBLE, BUILT_IN, ENGINE, Profile
from adit.testing.task_sets import server_spec, task_set_manifest, write_runner_config
from adit.transfer.rewriter import PassThrough, Subject
from adit.transmit.access import ReceiverAccess
from adit_jobrunner.config import NONE, read_config
from adit_jobrunner.connections import opened, target_of
from adit_jobrunner.control import Control
from adit_jobrunner.rewriting import job_folder, rewriter_for, subject_of

PROFILE = BUILT_IN[ADIT_COMPATIBLE]
RENAMED = Profile("brain", PROFILE.spec)
OTHER = Profile(PROFILE.name, PseudonymizationProfileSpec(options=("RetainUIDs",)))
KEY = ProjectKey(bytes(range(32)))


def spec(**overrides: object) -> TaskSetSpec:
    return TaskSet.read(task_set_manifest(spec=overrides)).spec


def pseudonymized() -> TaskSetSpec:
    return TaskSet.read(task_set_manifest(profile=PROFILE, key=KEY)).spec


def test_a_profile_of_ones_own_is_read_as_it_was_planned(tmp_path: Path) -> None:
    own = Profile("brain", PseudonymizationProfileSpec(options=("RetainUIDs",), mapping_table=True))
    planned = TaskSet.read(task_set_manifest(profile=own, key=KEY)).spec
    assert read_config(write_runner_config(tmp_path, profile=own, key=KEY), planned).profile == own


def test_a_server_may_be_called_by_a_name_of_its_own(tmp_path: Path) -> None:
    own = server_spec()
    own["dimse"]["callingAeTitle"] = "RESEARCH"
    config = read_config(write_runner_config(tmp_path, source=own), spec())
    assert target_of(config.source, config, NONE, Control()).calling_ae_title == "RESEARCH"
    assert target_of(config.destination, config, NONE, Control()).calling_ae_title == "ADIT"


def test_a_folder_destination_is_read_as_one(tmp_path: Path) -> None:
    folder = {"volume": {"claimName": "archive"}}
    written = write_runner_config(tmp_path, destination=folder, destination_kind="DicomFolder", mount_dir="/data")
    config = read_config(written, spec(destination={"kind": "DicomFolder", "name": "research"}))
    assert isinstance(config.destination, RenderedFolder)
    assert target_of(config.destination, config, NONE, Control()).mount_dir == Path("/data")


def rendered_with(folder: Path, **fields: object) -> Path:
    """The files of a runner, with more fields in what is rendered of the source."""
    written = write_runner_config(folder)
    path = written / "source/server.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))
    return written


def test_a_runner_keeps_its_share_of_the_requests_and_a_stop_ends_the_waiting(tmp_path: Path) -> None:
    config, control = read_config(rendered_with(tmp_path, requestsPerMinute=0.5), spec()), Control()
    source, destination = (target_of(end, config, NONE, control).pace for end in (config.source, config.destination))
    control.stop("Now")
    with pytest.raises(RetryableError, match="stopped while waiting for its turn"):
        source.turn()
    destination.turn()
    destination.turn()


def test_a_limit_that_this_runner_does_not_know_is_refused_and_not_ignored(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"source/server\.json requestsPerYear"):
        read_config(rendered_with(tmp_path, requestsPerYear=1), spec())


def test_credentials_and_key_show_in_no_repr(tmp_path: Path) -> None:
    written = write_runner_config(tmp_path, authorization="Bearer geheim\n", profile=PROFILE, key=KEY)
    config = read_config(written, pseudonymized())
    assert config.source_credentials.authorization == "Bearer geheim"
    assert config.key == KEY
    assert "geheim" not in repr(config)
    assert repr(KEY.secret) not in repr(config)


@pytest.mark.parametrize(
    ("path", "content", "words"),
    [
        ("source/server.json", b"{", "source/server.json is not JSON"),
        ("source/server.json", b'{"contract": 1, "name": "other"}', "source/server.json"),
        ("settings/settings.json", b'{"contract": 1, "mountDir": "/mnt", "new": 1}', "settings/settings.json new"),
        ("settings/settings.json", b"x" * ((1 << 20) + 1), "larger than"),
        ("source/authorization", b"\xff", "source/authorization"),
        ("profile/profile.json", b'{"name": "adit-compatible", "engine": 99}', "another version of the program"),
        ("profile/profile.json", json.dumps(OTHER.document()).encode(), "as it was planned with"),
        ("profile/profile.json", json.dumps(RENAMED.document()).encode(), "as it was planned with"),
        (
            "profile/profile.json",
            b'{"name": "brain", "engine": %d, "spec": {"options": ["Any"]}}' % ENGINE,
            "cannot be used: no profile: options.0",
        ),
        ("key/key", bytes(32), "is not the project key"),
        ("key/key", b"short", "32 bytes"),
    ],
)
def test_what_cannot_be_used_is_refused_by_the_name_of_its_file(
    tmp_path: Path, path: str, content: bytes, words: str
) -> None:
    written = write_runner_config(tmp_path, profile=PROFILE, key=KEY)
    (written / path).write_bytes(content)
    with pytest.raises(BadInput, match=words):
        read_config(written, pseudonymized())


def test_a_file_that_is_missing_is_refused_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"source/server\.json cannot be read"):
        read_config(tmp_path, spec())


def test_a_rendered_server_of_another_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="is of pacs, the TaskSet names elsewhere"):
        read_config(write_runner_config(tmp_path), spec(source={"kind": "DicomServer", "name": "elsewhere"}))


def test_an_identified_transfer_passes_everything_through_and_makes_nobody(tmp_path: Path) -> None:
    identified = spec()
    config = read_config(write_runner_config(tmp_path), identified)
    assert isinstance(rewriter_for(config, identified), PassThrough)
    assert subject_of(identified.tasks[0], identified) == Subject()


def test_a_profile_makes_the_pseudonym_of_the_task(tmp_path: Path) -> None:
    wanted = pseudonymized()
    config = read_config(write_runner_config(tmp_path, profile=PROFILE, key=KEY), wanted)
    assert rewriter_for(config, wanted).rewritten_uid("1.2.3") != "1.2.3"
    assert subject_of(wanted.tasks[0], wanted) == Subject("Alice")


@pytest.mark.parametrize(
    "overrides",
    [
        {"identified": False},
        {"identified": False, "trial": {"id": "T1"}},
        {"keyId": KEY.id},
        {"tasks": [{"id": "t0", "patientId": "P1", "studyInstanceUid": "1.2.3", "pseudonym": "Alice"}]},
    ],
)
def test_nothing_is_moved_identified_by_omission(tmp_path: Path, overrides: dict[str, object]) -> None:
    wanted = spec(**overrides)
    config = read_config(write_runner_config(tmp_path), wanted)
    with pytest.raises(BadInput) as refused:
        rewriter_for(config, wanted)
    assert refused.value.reason == "ProfileMissing"


def test_a_profile_and_identified_contradict_each_other(tmp_path: Path) -> None:
    wanted = pseudonymized().model_copy(update={"identified": True})
    config = read_config(write_runner_config(tmp_path, profile=PROFILE, key=KEY), wanted)
    with pytest.raises(BadInput, match="either a profile or identified"):
        rewriter_for(config, wanted)


def test_a_trial_alone_changes_no_uid(tmp_path: Path) -> None:
    marked = spec(trial={"id": "T1", "name": "Trial"})
    config = read_config(write_runner_config(tmp_path), marked)
    assert rewriter_for(config, marked).rewritten_uid("1.2.3") == "1.2.3"
    assert subject_of(marked.tasks[0], marked) == Subject(None, "T1", "Trial")


def test_the_folder_of_a_job_has_adits_name() -> None:
    assert job_folder("night", "2024-01-02T03:04:05Z", "alice") == "adit_transfer_night_20240102_alice"
    assert job_folder("night", "", "") == "adit_transfer_night"


def with_receiver(folder: Path, key: bytes | None = bytes(32)) -> Path:
    """The files of a runner whose source may be moved from; without a key where none is given."""
    written = write_runner_config(folder)
    path = written / "settings/settings.json"
    receiver = {"aeTitle": "TAKER", "host": "adit-receiver", "port": 14638}
    path.write_text(json.dumps({**json.loads(path.read_text()), "receiver": receiver}))
    if key is not None:
        (written / "receiver").mkdir()
        (written / "receiver/key").write_bytes(key)
    return written


def test_the_source_is_told_of_the_receiver_and_the_destination_is_not(tmp_path: Path) -> None:
    opened_with: list[Target] = []

    def opener(target: Target) -> Connector:
        opened_with.append(target)
        return open_connector(target)

    with opened(read_config(with_receiver(tmp_path), spec()), opener, Control()):
        source, destination = opened_with
    assert source.receiver == ReceiverAccess("TAKER", "adit-receiver", 14638, bytes(32))
    assert destination.receiver is None


@pytest.mark.parametrize(("key", "words"), [(None, "cannot be read"), (b"short", "is not 32 bytes long")])
def test_a_receiver_without_a_usable_key_is_refused(tmp_path: Path, key: bytes | None, words: str) -> None:
    with pytest.raises(BadInput, match=f"receiver/key {words}"):
        read_config(with_receiver(tmp_path, key), spec())


def test_the_key_of_the_receiver_shows_in_no_repr(tmp_path: Path) -> None:
    config = read_config(with_receiver(tmp_path, b"k" * 32), spec())
    assert "kkkk" not in repr(config)


def test_certificates_are_used_where_they_are_mounted(tmp_path: Path) -> None:
    written = write_runner_config(tmp_path)
    for name in ("tls-ca.crt", "tls.crt", "tls.key"):
        (written / "destination" / name).write_bytes(b"PEM")
    config = read_config(written, spec())
    mounted = target_of(config.destination, config, config.destination_credentials, Control()).tls
    paths = [written / "destination" / name for name in ("tls-ca.crt", "tls.crt", "tls.key")]
    assert [mounted.authorities, mounted.certificate, mounted.key] == paths
    assert target_of(config.source, config, config.source_credentials, Control()).tls == TlsFiles()
