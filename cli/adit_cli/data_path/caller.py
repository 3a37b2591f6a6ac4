"""Whom a command talks to and how: everything that an association needs, small enough to be handed to a process."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from adit.dimse.association import Association
from adit.dimse.negotiation import Proposal
from adit.dimse.requestor import Wanted, associate
from adit.dimse.timeouts import Timeouts
from adit.dimse.tls import Profile, requestor_context
from adit.dimse.user_information import UserIdentity
from adit.errors import BadInput

if TYPE_CHECKING:
    import ssl


@dataclass(frozen=True, slots=True)
class TlsOptions:
    """PEM files, the profile of PS3.15 Annex B, and the name that the peer's certificate must have."""

    profile: Profile = "Bcp195"
    authorities: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    server_name: str | None = None


@dataclass(frozen=True, slots=True)
class Caller:
    """One peer as this command calls it; `name` is how a person typed it."""

    name: str
    host: str
    port: int
    called_ae_title: str
    calling_ae_title: str
    max_pdu: int
    timeouts: Timeouts
    tls: TlsOptions | None = None
    identity: UserIdentity | None = None
    window: int = 1
    """How many requests may be under way at once, where the peer agrees (PS3.7 D.3.3.3)."""

    def associate(self, proposals: tuple[Proposal, ...]) -> Association:
        """Open an association; raises the errors of adit.dimse, each with what to look at."""
        wanted = Wanted(
            called_ae_title=self.called_ae_title,
            calling_ae_title=self.calling_ae_title,
            proposals=proposals,
            max_pdu=self.max_pdu,
            user_identity=self.identity,
            window=self.window,
        )
        context = None if self.tls is None else _tls_context(self.tls)
        name = self.tls.server_name if self.tls is not None else None
        return associate(self.host, self.port, wanted, self.timeouts, tls=context, server_name=name)


def _tls_context(options: TlsOptions) -> "ssl.SSLContext":
    try:
        return requestor_context(options.profile, options.authorities, options.certificate, options.key)
    except (OSError, ValueError) as error:
        raise BadInput(f"the files of --tls-ca, --tls-cert and --tls-key cannot be used: {error}") from error
