"""The options that every command of the data path has, declared once and added to each command's own."""

import argparse
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final, get_args

from adit.dimse.items import check_ae_title
from adit.dimse.requestor import MAX_PDU
from adit.dimse.timeouts import Timeouts
from adit.dimse.tls import Profile
from adit.dimse.user_information import IdentityType, UserIdentity
from adit.errors import BadInput
from adit_cli.data_path.caller import TlsOptions
from adit_cli.data_path.command import Parser, number

DEFAULT_CALLED: Final = "ANY-SCP"
MAX_PDU_HELP: Final = f"The longest PDU that we take, in bytes; 0 is any ({MAX_PDU})."
# Not read through the settings of the other commands: their models take longer to import than a short sending takes.
CALLING_ENV: Final = "CALLING_AE_TITLE"
ADDRESS: Final = re.compile(
    r"(?:(?P<ae_title>[^@]{1,64})@)?(?P<host>\[[0-9a-fA-F:.]+\]|[^@:\[\]/\s]+):(?P<port>[0-9]{1,5})"
)


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


def add_connection(parser: Parser) -> None:
    """Every option about the association; `connection_of` reads them."""
    add = parser.add_argument_group("the association").add_argument
    silence, opening = number(float, 0.1, 3600), number(float, 0.1, 600)
    add("--aec", metavar="AET", help="The peer's AE title; ANY-SCP where nothing says it.")
    add("--aet", metavar="AET", help="Our AE title; CALLING_AE_TITLE, else ADIT.")
    add("--max-pdu", type=number(int, 0, 1 << 30), default=MAX_PDU, metavar="BYTES", help=MAX_PDU_HELP)
    add("--timeout", type=silence, metavar="SECONDS", help="Seconds of silence until we give up (60).")
    add("--connect-timeout", type=opening, metavar="SECONDS", help="Until a connection must be open (10).")
    add("--tls", action="store_true", help="Secure the association.")
    add(
        "--tls-ca",
        type=Path,
        metavar="FILE",
        help="PEM certificates that the peer's must come from; else the machine's.",
    )
    add("--tls-cert", type=Path, metavar="FILE", help="The PEM certificate that we show.")
    add("--tls-key", type=Path, metavar="FILE", help="Its key.")
    add("--tls-profile", choices=get_args(Profile), default="Bcp195", help="The profile of PS3.15 Annex B (Bcp195).")
    add("--tls-server-name", metavar="NAME", help="The name that the peer's certificate must have; else its host.")
    add("--user", metavar="NAME", help="User identity: a user name; its passcode from --passcode-file.")
    add("--passcode-file", type=Path, metavar="FILE", help="A file with the passcode of --user.")
    add("--token-file", type=Path, metavar="FILE", help="User identity: a file with a JSON web token.")


def connection_of(given: argparse.Namespace) -> Connection:
    """Put the options together. Raises BadInput where they contradict each other."""
    if not given.tls and (given.tls_ca or given.tls_cert or given.tls_key or given.tls_server_name):
        raise BadInput("--tls-ca, --tls-cert, --tls-key and --tls-server-name need --tls")
    if bool(given.tls_cert) != bool(given.tls_key):
        raise BadInput("--tls-cert and --tls-key belong together")
    tls = TlsOptions(given.tls_profile, given.tls_ca, given.tls_cert, given.tls_key, given.tls_server_name)
    return Connection(
        called=ae_title(given.aec) if given.aec else None,
        calling=given.aet,
        max_pdu=given.max_pdu,
        timeouts=_timeouts(given.timeout, given.connect_timeout),
        tls=tls if given.tls else None,
        identity=_identity(given.user, given.passcode_file, given.token_file),
    )


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
