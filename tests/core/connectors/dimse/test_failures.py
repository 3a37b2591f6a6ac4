"""What goes wrong below the services is said in words that tell what to do."""

import errno
import os

import pytest

from adit.connectors.dimse.failures import not_secured, spool_failure
from adit.connectors.dimse.peer import Peer


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_spool_says_what_to_do(number: int) -> None:
    failure = spool_failure("pacs", OSError(number, os.strerror(number)))
    assert failure.reason == "SpoolFull"
    assert failure.message.endswith("free some disk space")


def test_a_spool_that_cannot_be_written_says_why() -> None:
    failure = spool_failure("pacs", OSError(errno.EROFS, os.strerror(errno.EROFS)))
    assert (failure.reason, failure.message) == (
        "SpoolUnwritable",
        "cannot write what pacs sends into the spool: Read-only file system",
    )


def test_a_peer_that_speaks_tls_and_is_not_described_so_is_told() -> None:
    failure = not_secured(Peer("pacs", "127.0.0.1", 104, "PACS", "ADIT", 5, 7), None)
    assert failure.reason == "TlsNotTrusted"
    assert "speaks TLS at this port; describe it in spec.dimse.tls" in failure.message
