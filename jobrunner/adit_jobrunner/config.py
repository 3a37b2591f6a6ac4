"""Read what the operator rendered for this runner: peers, credentials, settings, profile and key, as mounted files."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from adit.api.task_set import TaskSetSpec
from adit.connectors.credentials import Credentials, tls_files
from adit.contract import (
    AUTHORIZATION_FILE,
    CONTRACT,
    DESTINATION,
    FOLDER_FILE,
    KEY,
    KEY_FILE,
    PROFILE,
    PROFILE_FILE,
    RECEIVER,
    RECEIVER_KEY_FILE,
    SERVER_FILE,
    SETTINGS,
    SETTINGS_FILE,
    SOURCE,
    ReceiverSettings,
    RenderedFolder,
    RenderedServer,
    RunnerSettings,
)
from adit.errors import BadInput
from adit.pseudonymization.key import ProjectKey
from adit.pseudonymization.profile import Profile
from adit.transmit.access import KEY_BYTES, ReceiverAccess

NONE = Credentials()
MAX_BYTES = 1 << 20
M = TypeVar("M", RenderedServer, RenderedFolder, RunnerSettings)


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that was mounted; credentials and key never appear in a repr."""

    source: RenderedServer
    destination: RenderedServer | RenderedFolder
    settings: RunnerSettings
    profile: Profile | None = None
    key: ProjectKey | None = None
    source_credentials: Credentials = NONE
    destination_credentials: Credentials = NONE
    receiver: ReceiverAccess | None = None


def read_config(folder: Path, spec: TaskSetSpec) -> Config:
    """Read and check it against the TaskSet. Raises BadInput, naming the file and what is wrong with it."""
    profile = _profile(folder, spec)
    source = _peer(RenderedServer, folder / SOURCE / SERVER_FILE, spec.source.name)
    destination = (
        _peer(RenderedServer, folder / DESTINATION / SERVER_FILE, spec.destination.name)
        if spec.destination.kind == "DicomServer"
        else _peer(RenderedFolder, folder / DESTINATION / FOLDER_FILE, spec.destination.name)
    )
    settings = _model(RunnerSettings, folder / SETTINGS / SETTINGS_FILE)
    return Config(
        source=source,
        destination=destination,
        settings=settings,
        profile=profile,
        key=_key(folder, spec) if profile is not None else None,
        source_credentials=_credentials(folder / SOURCE),
        destination_credentials=_credentials(folder / DESTINATION),
        receiver=_receiver(settings.receiver, folder / RECEIVER / RECEIVER_KEY_FILE),
    )


def _peer(model: type[M], path: Path, name: str) -> M:
    peer = _model(model, path)
    rendered = getattr(peer, "name", name)
    if rendered != name:
        raise _unfit(path, f"is of {rendered}, the TaskSet names {name}")
    return peer


def _model(model: type[M], path: Path) -> M:
    raw = _bytes(path)
    try:
        document = json.loads(raw)
    except ValueError as error:
        raise _unfit(path, "is not JSON") from error
    contract = document.get("contract") if isinstance(document, dict) else None
    if contract != CONTRACT:
        raise _unfit(path, f"speaks contract {contract}, this runner contract {CONTRACT}: their versions differ")
    try:
        return model.of(document)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        raise _unfit(path, f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error


def _profile(folder: Path, spec: TaskSetSpec) -> Profile | None:
    if spec.profile is None:
        return None
    path = folder / PROFILE / PROFILE_FILE
    try:
        document = json.loads(_bytes(path))
    except ValueError as error:
        raise _unfit(path, "is not JSON") from error
    try:
        profile = Profile.of(document)
    except BadInput as error:
        raise _unfit(path, f"cannot be used: {error.message}") from error
    if (profile.name, profile.hash) != (spec.profile.name, spec.profile.hash):
        raise _unfit(path, f"is not the profile {spec.profile.name} as it was planned with: their versions differ")
    return profile


def _key(folder: Path, spec: TaskSetSpec) -> ProjectKey:
    path = folder / KEY / KEY_FILE
    key = ProjectKey(_bytes(path))
    if spec.key_id is None or key.id != spec.key_id:
        raise _unfit(path, "is not the project key that the TaskSet was planned with")
    return key


def _credentials(folder: Path) -> Credentials:
    """What lies beside a server: certificates stay where they are mounted."""
    return Credentials(_authorization(folder / AUTHORIZATION_FILE), tls_files(folder))


def _authorization(path: Path) -> str | None:
    if not path.exists():
        return None
    try:
        return _bytes(path).decode("ascii").strip() or None
    except UnicodeDecodeError as error:
        raise _unfit(path, "is not the value of an HTTP header") from error


def _receiver(settings: ReceiverSettings | None, path: Path) -> ReceiverAccess | None:
    if settings is None:
        return None
    key = _bytes(path)
    if len(key) != KEY_BYTES:
        raise _unfit(path, f"is not {KEY_BYTES} bytes long: delete the Secret of the receiver's key, and restart it")
    return ReceiverAccess(settings.ae_title, settings.host, settings.port, key)


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise _unfit(path, f"cannot be read ({error.strerror})") from error
    if len(content) > MAX_BYTES:
        raise _unfit(path, f"is larger than {MAX_BYTES} bytes")
    return content


def _unfit(path: Path, what: str) -> BadInput:
    return BadInput(f"{path.parent.name}/{path.name} {what}", reason="ConfigUnreadable")
