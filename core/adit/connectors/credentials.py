"""Credentials as a connector takes them: the header as text, certificates as files of our own that go with the context.

Where credentials are mounted already, as in a runner, nothing of this is needed.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from adit.connectors.target import TlsFiles
from adit.contract import AUTHORIZATION_FILE, TLS_AUTHORITIES_FILE, TLS_CERTIFICATE_FILE, TLS_KEY_FILE

NO_TLS = TlsFiles()


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a Target is given of them; the header never appears in a repr."""

    authorization: str | None = field(default=None, repr=False)
    tls: TlsFiles = NO_TLS


@contextmanager
def laid_out(files: Mapping[str, bytes]) -> Iterator[Credentials]:
    """The contents by their files' names, for a connector that is open meanwhile.

    TLS wants paths: the PEM files lie in a folder of our own (0700, the files 0600) until the context ends.
    """
    authorization = header(files.get(AUTHORIZATION_FILE))
    pems = {name: files[name] for name in (TLS_AUTHORITIES_FILE, TLS_CERTIFICATE_FILE, TLS_KEY_FILE) if name in files}
    if not pems:
        yield Credentials(authorization)
        return
    with TemporaryDirectory(prefix="adit-tls-") as folder:
        for name, content in pems.items():
            descriptor = os.open(Path(folder, name), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
        yield Credentials(authorization, tls_files(Path(folder)))


def tls_files(folder: Path) -> TlsFiles:
    """The PEM files of a server that lie in this folder."""
    paths = (folder / name for name in (TLS_AUTHORITIES_FILE, TLS_CERTIFICATE_FILE, TLS_KEY_FILE))
    return TlsFiles(*(path if path.exists() else None for path in paths))


def header(content: bytes | None) -> str | None:
    """The value of an HTTP header, None where there is none; whoever sends it refuses what is no such value."""
    return content.decode(errors="replace").strip() or None if content is not None else None
