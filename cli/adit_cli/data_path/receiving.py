"""What `adit receive` does with each association: accept, keep what comes, and tell of it."""

from collections.abc import Callable, Collection
from typing import Final

from adit.dimse.association import Association
from adit.dimse.negotiation import Accepting, answer, refusal
from adit.dimse.pdu import AssociateAccept, AssociateReject, AssociateRequest
from adit.dimse.storage import Reception, StoreRequest, serve_storage
from adit.errors import AditError
from adit_cli.data_path.arriving import Arriving
from adit_cli.data_path.outcome import Outcome
from adit_cli.data_path.statuses import printable
from adit_cli.data_path.store_folder import StoreFolder

EVERYTHING: Final = Accepting()  # each class in the syntax that its sender likes best: what it is stored in
Tell = Callable[[Outcome | str], None]


class Receiving:
    """The service behind the port; `tell` is called by the threads of all associations."""

    def __init__(self, folder: StoreFolder, tell: Tell, *, ae_titles: Collection[str] | None, max_length: int) -> None:
        self._folder, self._tell = folder, tell
        self._ae_titles = ae_titles
        self._max_length = max_length

    def accept(self, request: AssociateRequest, peer_address: str) -> AssociateAccept | AssociateReject:
        """Anybody who calls us by our name."""
        who = f"{printable(request.calling_ae_title)} at {peer_address}"
        refused = refusal(request, ae_titles=self._ae_titles)
        if refused is not None:
            self._tell(f"refused {who}: it calls {printable(request.called_ae_title)} (reason {refused.diagnostic})")
            return refused
        self._tell(f"{who} calls {printable(request.called_ae_title)}, {len(request.contexts)} presentation contexts")
        return answer(request, EVERYTHING, max_length=self._max_length)

    def serve(self, association: Association) -> None:
        """Until the peer releases; how else it ends is told as well."""
        who = printable(association.calling_ae_title)
        try:
            serve_storage(association, self)
        except AditError as error:
            self._tell(f"the association of {who} ended: {error.message}")
            raise
        self._tell(f"{who} released the association")

    def begin(self, request: StoreRequest) -> Reception:
        """A file for the instance that is about to come."""
        uids = request.sop_class_uid, request.sop_instance_uid, request.context.transfer_syntax
        return _Told(Arriving(self._folder, *uids), self._tell)


class _Told:
    """An instance that arrives, and the telling of what became of it."""

    def __init__(self, arriving: Arriving, tell: Tell) -> None:
        self._arriving, self._tell = arriving, tell
        self.write = arriving.write

    def complete(self) -> int:
        status, outcome = self._arriving.complete()
        self._tell(outcome)
        return status

    def discard(self) -> None:
        self._tell(self._arriving.discard())
