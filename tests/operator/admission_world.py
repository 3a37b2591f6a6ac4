"""A world for admission alone: jobs, servers and runners as values, one turn after another, with what must always hold.

Reconcile is played in two lines: a set that is told something runs on until its runner hears it.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from adit.api.dicom_folder import DicomFolderSpec
from adit.api.endpoint import endpoint_of
from adit.cluster.kinds import Ref
from adit_operator.admission import Admission, admissible, admit
from adit_operator.cache import Cache
from adit_operator.census import candidates_of, present_of
from adit_operator.observed import SeenFolder, SeenJob, SeenSet, SeenTransfer
from adit_operator.slots import Allocation, allocated, caps_of
from adit_operator.testing.builders import dicom_server, seen_job, seen_set, seen_transfer
from adit_operator.testing.fakes import START

# "again" is the endpoint of "pacs" under another name, with other limits.
PORTS = {"pacs": 11112, "again": 11112, "research": 11113, "archive": 11114}
NAMESPACES = ("default", "trial", "teaching")
EVERYBODY: dict[str, Any] = {"allowedConsumers": [{"namespaces": {"from": "All"}}]}
SHUT = [{"start": "00:00", "end": "00:01", "days": ["Mon"]}]
EXCHANGE = DicomFolderSpec.of({"volume": {"claimName": "exchange"}} | EVERYBODY)
# In each round every runner that there is ends once.
ROUNDS = 12


class SeenCache(Cache):
    """A cache that is told what it has seen."""

    def see(self, seen: SeenTransfer | SeenSet | SeenJob) -> None:
        table = {"TransferJob": self.transfers, "TaskSet": self.sets, "Job": self.jobs}[seen.ref.kind]
        table[seen.ref] = seen  # type: ignore[index]  # each kind in its own table
        if not isinstance(seen, SeenTransfer):
            self._index(seen.ref, seen)


class World:
    """Everything that admission looks at; each method is one thing that happens."""

    def __init__(self) -> None:
        self.cache = SeenCache()
        self.now = START
        self.held: set[str] = set()
        self.down: dict[str, str] = {}
        self.yields: dict[str, str] = {}
        self.served: Counter[str] = Counter()
        for name in PORTS:
            self.server(name)
        folder = Ref("DicomFolder", "default", "exchange")
        self.cache.folders[folder] = SeenFolder(folder, "folder", EXCHANGE)

    # What people do.

    def server(self, name: str, **spec: Any) -> None:
        """A server is made, or made anew with another spec."""
        ae_title = "PACS" if name == "again" else name.upper()
        limits = {"maxAssociations": 4 if name == "again" else 3, "reservedInteractive": 1}
        made = dicom_server(name, port=PORTS[name], **({"aeTitle": ae_title, "limits": limits} | EVERYBODY | spec))
        self.cache.servers[Ref("DicomServer", "default", name)] = made

    def submit(
        self,
        uid: str,
        source: str = "pacs",
        destination: str = "research",
        *,
        namespace: str = "default",
        count: int = 2,
        **changes: Any,
    ) -> SeenTransfer:
        kind = "DicomFolder" if destination == "exchange" else "DicomServer"
        transfer = seen_transfer(
            uid,
            ref=Ref("TransferJob", namespace, uid),
            source=Ref("DicomServer", "default", source),
            destination=Ref(kind, "default", destination),
            created=f"{self.now:%Y-%m-%dT%H:%M:%SZ}",
            **changes,
        )
        self.cache.see(transfer)
        for index in range(count):
            self.more(transfer, index)
        return transfer

    def more(self, transfer: SeenTransfer, index: int) -> None:
        """The job has one more set."""
        ref = Ref("TaskSet", transfer.ref.namespace, f"{transfer.uid}-{index}")
        ends = {"source": transfer.source, "destination": transfer.destination}
        self.cache.see(
            replace(seen_set("PP", index=index), ref=ref, uid=ref.name, owner_uid=transfer.uid, **ends)  # type: ignore[arg-type]  # refs
        )

    def change(self, uid: str, **changes: Any) -> None:
        for transfer in self.cache.transfers.values():
            if transfer.uid == uid:
                self.cache.see(replace(transfer, **changes))
                return

    # What runners and their nodes do.

    def running(self) -> list[SeenJob]:
        return sorted((job for job in self.cache.jobs.values() if not job.finished), key=lambda job: job.ref)

    def set_of(self, job: SeenJob) -> SeenSet:
        return self.cache.sets[job.task_set]

    def end(self, job: SeenJob, *, states: tuple[str, ...], linger: bool = False) -> None:
        """A runner ends with these states; where it lingers its holder's lease has not run out yet. It is judged."""
        seen = self.set_of(job)
        finished = "P" not in states and not linger
        self.cache.see(replace(job, finished=True, ended=self.now))
        self.cache.see(
            replace(seen, states=states, attempt=job.attempt, judged_attempt=job.attempt, finished=finished, stop=None)  # type: ignore[arg-type]  # letters
        )
        if linger:
            self.held.add(seen.uid)

    def terminate(self, job: SeenJob) -> None:
        """Somebody deletes the Job, and its pod does not go."""
        self.cache.see(replace(job, leaving=True))

    def reach(self, name: str, *, down: bool) -> None:
        """A server stops answering, or answers again."""
        endpoint = str(endpoint_of(self.cache.servers[Ref("DicomServer", "default", name)].spec))
        self.down.pop(endpoint, None)
        if down:
            self.down[endpoint] = "no answer"

    def release(self) -> None:
        """Leases run out."""
        self.held.clear()

    def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    # What admission does, and what must hold then.

    def allocation(self) -> Allocation:
        sets = tuple(self.cache.sets.values())
        return allocated(self.cache.jobs.values(), sets, frozenset(self.held), self.cache.servers)

    def decide(self, now: datetime | None = None) -> Admission:
        allocation, moment = self.allocation(), now or self.now
        caps = caps_of(self.cache.servers.values(), self.down, moment)
        present = present_of(self.cache, allocation)
        return admit(candidates_of(self.cache, allocation), allocation, caps, moment, present)

    def turn(self) -> Admission:
        """Decide, start what may run, and tell running sets what they are told."""
        before = self.allocation()
        admission = self.decide()
        self._check(before, admission)
        for seen in admission.start:
            self._start(seen)
        self.yields = {one.uid: one.reason for one in admission.yield_}
        for job in self.running():
            seen = self.set_of(job)
            self.cache.see(replace(seen, stop="AfterTask" if seen.uid in self.yields else None))
        return admission

    def _start(self, seen: SeenSet) -> None:
        attempt = 1 + max((job.attempt for job in self.cache.jobs_of(seen.owner_uid or "")), default=-1)
        ends = (seen.source, seen.destination)
        endpoints = tuple(str(endpoint_of(self.cache.servers[ref].spec)) for ref in ends if ref in self.cache.servers)
        job = seen_job(seen, attempt, created=self.now, endpoints=endpoints)
        self.cache.see(replace(job, ref=Ref("Job", "adit", f"{seen.uid}-a{attempt}")))
        self.served[seen.owner_uid or ""] += 1

    def _check(self, before: Allocation, admission: Admission) -> None:
        caps = caps_of(self.cache.servers.values(), self.down, self.now)
        owners = {one.uid: one for one in self.cache.transfers.values()}
        added: Counter[str] = Counter()
        per_owner: Counter[str] = Counter()
        for seen in admission.start:
            owner = owners[seen.owner_uid or ""]
            assert admissible(owner), "a job runs that must not"
            assert seen.uid not in {one.uid for one in before.held}, "a set is given to two Jobs"
            ends = [self.cache.servers[ref] for ref in (seen.source, seen.destination) if ref.kind == "DicomServer"]
            added.update(str(endpoint_of(server.spec)) for server in ends)
            per_owner[owner.uid] += 1
        assert len({seen.uid for seen in admission.start}) == len(admission.start), "a set is started twice"
        for name, count in added.items():
            assert before.slots[name] + count <= caps[name].open_slots, f"{name} has too many runners"
        for uid, count in per_owner.items():
            assert before.per_owner[uid] + count <= owners[uid].parallelism, "more than its parallelism"
        self._check_yields(before, admission)

    def _check_yields(self, before: Allocation, admission: Admission) -> None:
        running = {one.uid for one in before.held}
        told = [one.uid for one in admission.yield_]
        assert len(set(told)) == len(told), "a set is told twice"
        assert set(told) <= running, "a set is told to make room that does not run"
        assert not set(told) & {seen.uid for seen in admission.start}, "a set makes room as it starts"

    # What must come to pass.

    def hand_over(self, limit: int = 60) -> None:
        """Who is told to make room does so at once, and who must not run ends: then it is quiet soon."""
        for _ in range(limit):
            preempted = {one.uid for one in self.turn().yield_ if one.reason == "Preempted"}
            leaving = {one.uid for one in present_of(self.cache, self.allocation()).runners if one.leaving}
            told = [job for job in self.running() if job.task_set_uid in leaving | self.yields.keys()]
            if not told:
                return
            waiting = self.decide().waiting
            for job in told:
                self.end(job, states=self.set_of(job).states)
            started = self.turn().start
            if preempted and not self.held:
                takers = [seen for seen in started if seen.uid not in preempted]
                assert takers, "a runner made room, and nobody took it"
                assert {seen.owner_uid for seen in takers} & waiting.keys(), "who waited did not get the slot"
        raise AssertionError("slots are handed over for ever")

    def work(self, jobs: Iterable[SeenJob]) -> None:
        """These runners work their sets to the end, one after the other; each job always has another set."""
        for job in jobs:
            if self.cache.jobs[job.ref].finished:
                continue
            self.wait(1)
            seen = self.set_of(job)
            self.end(job, states=("S", "S"))
            owner = next(one for one in self.cache.transfers.values() if one.uid == seen.owner_uid)
            self.more(owner, 1 + max(one.index for one in self.cache.sets_of(owner.uid)))
            self.turn()

    def nobody_starves(self) -> None:
        """Everything is well again and every job has work without end: the oldest of each namespace gets its turn."""
        for name in PORTS:
            self.server(name)
        self.down.clear()
        self.release()
        for job in self.running():
            self.cache.see(replace(job, leaving=False))
        for transfer in tuple(self.cache.transfers.values()):
            self.cache.see(replace(transfer, suspend=False, stalled=False, shutdown=False, priority=100))
            self.more(transfer, 100)
        self.turn()
        oldest = {
            one.ref.namespace: one for one in sorted(self.cache.transfers.values(), key=lambda t: t.created)[::-1]
        }
        before = Counter(self.served)
        for _ in range(ROUNDS):
            self.work(self.running())
        hungry = [one.uid for one in oldest.values() if self.served[one.uid] == before[one.uid]]
        assert not hungry, f"{hungry} got no turn"
