"""A worker process: takes files through the engine, into a scratch folder. Imports nothing of the command line."""

import os
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from multiprocessing import parent_process
from multiprocessing.connection import wait
from multiprocessing.synchronize import Event
from pathlib import Path

from adit.connectors.folder.names import safe_part
from adit.pseudonymization.data_set import TopLevel
from adit.pseudonymization.key import ProjectKey
from adit.pseudonymization.keyring import Keyring
from adit.pseudonymization.patient import keyed, normalised_id
from adit.pseudonymization.profile import Profile
from adit.pseudonymization.pseudonymizer import Pseudonymizer
from adit.pseudonymization.trace import Deed
from adit.transfer.instance import FileSlice, Instance
from adit.transfer.outcomes import Excluded, Quarantined
from adit.transfer.part10 import front_of
from adit.transfer.rewriter import Subject
from adit_cli.pseudonymize.order import Deeds, Done, Item, Order, Source, Staged
from adit_cli.pseudonymize.pseudonyms import Derived, Listed

STUDY_INSTANCE_UID, SERIES_INSTANCE_UID = 0x0020000D, 0x0020000E
PATIENT_ID, ISSUER = 0x00100020, 0x00100021
_COPY_BYTES = 1 << 20

_workers: list["Worker"] = []


def begin(order: Order, stop: Event) -> None:
    """Make this process a worker: Ctrl-C is the parent's business, and so is our end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = parent_process()
    if parent is not None:
        threading.Thread(target=_end_after, args=(parent.sentinel,), daemon=True).start()
    _workers.append(Worker(order, stop.is_set))


def work(sources: Sequence[Source]) -> Done:
    """Take a batch through, in the process that `begin` prepared."""
    return _workers[0].done(sources)


def _end_after(sentinel: int) -> None:
    """A parent that was killed cannot tell its workers."""
    wait([sentinel])
    os._exit(1)


class Worker:
    """One engine with its memory of patients; what it rewrites waits in the scratch folder for its place."""

    def __init__(self, order: Order, stopped: Callable[[], bool] = lambda: False) -> None:
        profile, key = Profile.of(order.profile), ProjectKey(order.key)
        keyring = Keyring(key, uid_root=profile.spec.uid_root, date_shift=profile.spec.date_shift)
        self._order, self._stopped = order, stopped
        self._key = key
        self._names = Derived(keyring, order.salt) if order.pseudonyms is None else Listed(order.pseudonyms)
        self._deeds: Deeds = Counter()
        self._patient = ""
        self._place = ("", "", "")
        self._engine = Pseudonymizer(profile, key, order.exclude_modalities, report=self._did)

    def done(self, sources: Sequence[Source]) -> Done:
        """What became of these files; those behind a stop are left out."""
        self._deeds = Counter()
        results = tuple(self._item(source) for source in sources if not self._stopped())
        return Done(results, self._deeds)

    def _item(self, source: Source) -> Item | Staged:
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

    def _rewritten(self, source: Source, link: Path) -> Item | Staged:
        data_set = FileSlice(link, source.offset, source.length)
        outcome = self._engine.rewrite_as(Instance("", "", source.transfer_syntax_uid, (data_set,)), self._who)
        if isinstance(outcome, Excluded):
            return Item(source.number, "excluded", outcome.reason)
        if isinstance(outcome, Quarantined):
            return Item(source.number, "held", outcome.reason, outcome.message)
        new = outcome.instance
        pseudonym, study, series = self._place
        item = Item(source.number, "written", new_uid=new.sop_instance_uid, pseudonym=pseudonym, bytes=new.length)
        place = (safe_part(pseudonym), safe_part(study), safe_part(series), f"{new.sop_instance_uid}.dcm")
        if self._order.dry_run:
            digest = sha256()
            for chunk in new.chunks(_COPY_BYTES):
                digest.update(chunk)
            return Staged(item, place, Path(), digest.digest(), self._patient)
        staged = self._order.scratch / f"{source.number}.dcm"
        _write(staged, new)
        return Staged(item, place, staged, b"", self._patient)

    def _who(self, top: TopLevel) -> Subject:
        issuer, patient_id = top.text(ISSUER), top.text(PATIENT_ID)
        pseudonym = self._names.of(issuer, patient_id)
        order, uid = self._order, self._engine.rewritten_uid
        if pseudonym is not None:
            self._patient = self._hashed(issuer, patient_id)
            self._place = (
                pseudonym,
                uid(top.text(STUDY_INSTANCE_UID)) or "no-study",
                uid(top.text(SERIES_INSTANCE_UID)) or "no-series",
            )
        return Subject(pseudonym, order.trial_id, order.trial_name)

    def _did(self, deeds: Iterable[Deed]) -> None:
        self._deeds.update((tag, action.value) for tag, action in deeds)

    def _hashed(self, issuer: str, patient_id: str) -> str:
        """Who it is, for the comparison of derived pseudonyms; a list has been compared already."""
        if self._order.pseudonyms is not None:
            return ""
        return keyed(self._key.derive("run"), normalised_id(issuer), normalised_id(patient_id)).hex()


def _write(path: Path, instance: Instance) -> None:
    with path.open("xb") as file:
        file.write(front_of(instance))
        for chunk in instance.chunks(_COPY_BYTES):
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
