"""The options that every command of the data path has, declared once and added to each command's own."""

import inspect
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from adit.dimse.items import check_ae_title
from adit.dimse.requestor import MAX_PDU
from adit.dimse.timeouts import Timeouts
from adit.dimse.user_information import IdentityType, UserIdentity
from adit.errors import BadInput
from adit_cli.data_path.caller import TlsOptions

DEFAULT_CALLED: Final = "ANY-SCP"
# Not read through the settings of the other commands: their models take longer to import than a short sending takes.
CALLING_ENV: Final = "CALLING_AE_TITLE"
ADDRESS: Final = re.compile(
    r"(?:(?P<ae_title>[^@]{1,64})@)?(?P<host>\[[0-9a-fA-F:.]+\]|[^@:\[\]/\s]+):(?P<port>[0-9]{1,5})"
)


class Profile(StrEnum):
    """The profiles of PS3.15 Annex B."""

    BCP195 = "Bcp195"
    MODIFIED_BCP195 = "ModifiedBcp195"


@dataclass(frozen=True, slots=True)
class Address:
    """AET@HOST:PORT, or HOST:PORT without a title."""

    host: str
    port: int
    ae_title: str = ""


@dataclass(frozen=True, slots=True)
class Connection:
    """What was said on the command line about the association; None where nothing was."""

    called: str | None
    calling: str | None
    max_pdu: int
    timeouts: Timeouts | None
    tls: TlsOptions | None
    identity: UserIdentity | None


def address_of(text: str) -> Address | None:
    """The address that a person typed; None where it is the name of a server. Raises BadInput for a wrong port."""
    match = ADDRESS.fullmatch(text)
    if match is None:
        return None
    port = int(match["port"])
    if not 0 < port <= 0xFFFF:  # noqa: PLR2004 - two bytes
        raise BadInput(f"{text}: a port is a number from 1 to 65535")
    return Address(match["host"].strip("[]"), port, ae_title(match["ae_title"]) if match["ae_title"] else "")


def ae_title(text: str) -> str:
    """An AE title that a person typed; raises BadInput where it is none."""
    try:
        return check_ae_title(text)
    except ValueError as error:
        raise BadInput(str(error)) from error


def our_ae_title(connection_calling: str | None) -> str:
    """--aet, else CALLING_AE_TITLE, else ADIT."""
    return ae_title(connection_calling or os.environ.get(CALLING_ENV) or "ADIT")


def connection_of(  # noqa: PLR0917 - Typer reads the options of a command from its parameters
    called: Annotated[
        str | None, typer.Option("--aec", help="The peer's AE title; ANY-SCP where nothing says it.")
    ] = None,
    calling: Annotated[str | None, typer.Option("--aet", help="Our AE title; CALLING_AE_TITLE, else ADIT.")] = None,
    max_pdu: Annotated[
        int, typer.Option(min=0, max=1 << 30, help="The longest PDU that we take, in bytes; 0 is any.")
    ] = MAX_PDU,
    timeout: Annotated[
        float | None, typer.Option(min=0.1, max=3600, help="Seconds of silence until we give up (60).")
    ] = None,
    connect_timeout: Annotated[
        float | None, typer.Option(min=0.1, max=600, help="Seconds until a connection must be open (10).")
    ] = None,
    tls: Annotated[bool, typer.Option("--tls", help="Secure the association.")] = False,
    tls_ca: Annotated[
        Path | None, typer.Option(help="PEM certificates that the peer's must come from; else the machine's.")
    ] = None,
    tls_cert: Annotated[Path | None, typer.Option(help="The PEM certificate that we show.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="Its key.")] = None,
    tls_profile: Annotated[Profile, typer.Option(help="The profile of PS3.15 Annex B.")] = Profile.BCP195,
    tls_server_name: Annotated[
        str | None, typer.Option(help="The name that the peer's certificate must have; else its host.")
    ] = None,
    user: Annotated[
        str | None, typer.Option(help="User identity: a user name; its passcode from --passcode-file.")
    ] = None,
    passcode_file: Annotated[Path | None, typer.Option(help="A file with the passcode of --user.")] = None,
    token_file: Annotated[Path | None, typer.Option(help="User identity: a file with a JSON web token.")] = None,
) -> Connection:
    """Put the options together. Raises BadInput where they contradict each other."""
    if not tls and (tls_ca or tls_cert or tls_key or tls_server_name):
        raise BadInput("--tls-ca, --tls-cert, --tls-key and --tls-server-name need --tls")
    if bool(tls_cert) != bool(tls_key):
        raise BadInput("--tls-cert and --tls-key belong together")
    return Connection(
        called=ae_title(called) if called else None,
        calling=calling,
        max_pdu=max_pdu,
        timeouts=_timeouts(timeout, connect_timeout),
        tls=TlsOptions(tls_profile.value, tls_ca, tls_cert, tls_key, tls_server_name) if tls else None,
        identity=_identity(user, passcode_file, token_file),
    )


def with_connection(command: Callable[..., None]) -> Callable[..., None]:
    """The command with the options of `connection_of` after its own; it is given a Connection as `connection`."""
    shared = inspect.signature(connection_of).parameters
    own = [one for name, one in inspect.signature(command).parameters.items() if name != "connection"]

    def run(**words: Any) -> None:
        given = {name: words.pop(name) for name in shared}
        command(**words, connection=lambda: connection_of(**given))

    run.__name__, run.__doc__, run.__module__ = command.__name__, command.__doc__, command.__module__
    parameters = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in (*own, *shared.values())]
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # what inspect reads, PEP 362
    run.__annotations__ = {one.name: one.annotation for one in parameters} | {"return": None}
    return run


def _timeouts(response: float | None, connect: float | None) -> Timeouts | None:
    if response is None and connect is None:
        return None
    known = Timeouts()
    silence = response or known.response
    return Timeouts(connect=connect or known.connect, association=silence, response=silence, release=known.release)


def _identity(user: str | None, passcode_file: Path | None, token_file: Path | None) -> UserIdentity | None:
    if token_file is not None:
        if user is not None:
            raise BadInput("--user and --token-file exclude each other")
        return UserIdentity.token(IdentityType.JWT, _secret(token_file).encode())
    if user is None:
        if passcode_file is not None:
            raise BadInput("--passcode-file needs --user")
        return None
    return UserIdentity.user(user, None if passcode_file is None else _secret(passcode_file))


def _secret(path: Path) -> str:
    """From a file, since what stands on a command line can be read by everybody on the machine."""
    try:
        return path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} cannot be read") from error
