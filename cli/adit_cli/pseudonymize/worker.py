"""A worker process: takes files through the engine, and writes what may leave. Imports nothing of the command line."""

import errno
import filecmp
import hmac
import os
import signal
from collections import Counter
from collections.abc import Iterable, Sequence
from hashlib import sha256
from pathlib import Path

from adit.connectors.folder.names import safe_part
from adit.pseudonymization.data_set import TopLevel
from adit.pseudonymization.key import ProjectKey
from adit.pseudonymization.keyring import Keyring
from adit.pseudonymization.patient import normalised_id
from adit.pseudonymization.profile import Profile
from adit.pseudonymization.pseudonymizer import Pseudonymizer
from adit.pseudonymization.trace import Deed
from adit.transfer.instance import FileSlice, Instance
from adit.transfer.outcomes import Excluded, Quarantined
from adit.transfer.part10 import front_of
from adit.transfer.rewriter import Subject
from adit_cli.pseudonymize.order import Deeds, Done, Item, Order, Source
from adit_cli.pseudonymize.pseudonyms import Derived, Listed

STUDY_INSTANCE_UID, SERIES_INSTANCE_UID = 0x0020000D, 0x0020000E
PATIENT_ID, ISSUER = 0x00100020, 0x00100021
_COPY_BYTES = 1 << 20

_workers: list["Worker"] = []


def begin(order: Order) -> None:
    """Make this process a worker: Ctrl-C is the parent's business, which then ends us."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _workers.append(Worker(order))


def work(sources: Sequence[Source]) -> Done:
    """Take a batch through, in the process that `begin` prepared."""
    return _workers[0].done(sources)


class Worker:
    """One engine with its memory of patients, and the folder that it writes to."""

    def __init__(self, order: Order) -> None:
        profile, key = Profile.of(order.profile), ProjectKey(order.key)
        keyring = Keyring(key, uid_root=profile.spec.uid_root, date_shift=profile.spec.date_shift)
        self._order = order
        self._key = key
        self._names = Derived(keyring, order.salt) if order.pseudonyms is None else Listed(order.pseudonyms)
        self._deeds: Deeds = Counter()
        self._patients: dict[str, str] = {}
        self._place = ("", "", "")
        self._engine = Pseudonymizer(profile, key, order.exclude_modalities, report=self._did)

    def done(self, sources: Sequence[Source]) -> Done:
        """What became of these files."""
        self._deeds, self._patients = Counter(), {}
        items = tuple(self._item(source) for source in sources)
        return Done(items, self._deeds, self._patients)

    def _item(self, source: Source) -> Item:
        # What is made of a file on the way lies beside its name here: the folder that it came from is never written to.
        link = self._order.scratch / f"{os.getpid()}-{source.number}"
        try:
            link.symlink_to(source.path)
            try:
                return self._rewritten(source, link)
            finally:
                for path in self._order.scratch.glob(f"{link.name}*"):
                    path.unlink(missing_ok=True)
        except OSError as error:
            return Item(source.number, "failed", "Unreadable", (error.strerror or "cannot be read").lower())

    def _rewritten(self, source: Source, link: Path) -> Item:
        data_set = FileSlice(link, source.offset, source.length)
        outcome = self._engine.rewrite_as(Instance("", "", source.transfer_syntax_uid, (data_set,)), self._who)
        if isinstance(outcome, Excluded):
            return Item(source.number, "excluded", outcome.reason)
        if isinstance(outcome, Quarantined):
            return Item(source.number, "held", outcome.reason, outcome.message)
        new = outcome.instance
        pseudonym, study, series = self._place
        item = Item(source.number, "written", new_uid=new.sop_instance_uid, pseudonym=pseudonym, bytes=new.length)
        if self._order.dry_run:
            return item
        parts = (pseudonym, study, series)
        folder = self._order.target.joinpath(*(safe_part(part) for part in parts))
        return self._written(item, new, folder / f"{new.sop_instance_uid}.dcm")

    def _who(self, top: TopLevel) -> Subject:
        issuer, patient_id = top.text(ISSUER), top.text(PATIENT_ID)
        pseudonym = self._names.of(issuer, patient_id)
        order, uid = self._order, self._engine.rewritten_uid
        if pseudonym is not None:
            patient = f"{normalised_id(issuer)}\0{normalised_id(patient_id)}"
            who = hmac.digest(self._key.derive("run"), patient.encode("utf-8", "surrogatepass"), sha256).hex()
            self._patients[who] = pseudonym
            self._place = (
                pseudonym,
                uid(top.text(STUDY_INSTANCE_UID)) or "no-study",
                uid(top.text(SERIES_INSTANCE_UID)) or "no-series",
            )
        return Subject(pseudonym, order.trial_id, order.trial_name)

    def _did(self, deeds: Iterable[Deed]) -> None:
        self._deeds.update((tag, action.value) for tag, action in deeds)

    def _written(self, item: Item, instance: Instance, target: Path) -> Item:
        """Write a whole file or none, under its name in the end; one that is there is not replaced unasked."""
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
        new = self._order.scratch / f"{os.getpid()}-{item.number}.dcm"
        with new.open("xb") as file:
            file.write(front_of(instance))
            for chunk in instance.chunks(_COPY_BYTES):
                file.write(chunk)
            file.flush()
            os.fdatasync(file.fileno())
        if self._order.force:
            new.replace(target)
            return item
        return item if _linked(new, target) else _same(item, new, target)


def _linked(new: Path, target: Path) -> bool:
    """Give the file its name, unless something has it; a file system without links cannot do both in one step."""
    try:
        os.link(new, target)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in {errno.EPERM, errno.ENOTSUP, errno.EMLINK}:
            raise
        if target.exists():
            return False
        new.replace(target)
    return True


def _same(item: Item, new: Path, target: Path) -> Item:
    """Of two files of one instance the second is a copy, or nobody knows which is right."""
    if filecmp.cmp(new, target, shallow=False):
        return Item(item.number, "duplicate", "SameInstance", "the same as a file before", item.new_uid, item.pseudonym)
    message = "another file of the same SOP Instance UID was written, and differs"
    return Item(item.number, "held", "OtherContent", message)
