"""The table: what is measured, by which programs, against which goal; the first program of a row is the reference."""

from dataclasses import dataclass, field
from typing import Final

from benchmarks.data_path import programs, ways
from benchmarks.data_path.measured import Goal
from benchmarks.data_path.place import Kind
from benchmarks.data_path.sinks import Kind as Sink
from benchmarks.data_path.ways import Way

OURS: Final = "adit "
NO_STEPS: Final = Goal(rate=150)


@dataclass(frozen=True, slots=True)
class Contender:
    """One program in a row, and how it does it once."""

    name: str
    way: Way
    ours: bool = False
    goal: Goal | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """`group` is what `--only` names; `most` limits the repetitions of a row that takes long."""

    group: str
    name: str
    title: str
    study: Kind
    contenders: tuple[Contender, ...] = field(default=())
    most: int = 99


def _ours(name: str, way: Way, goal: Goal | None = None) -> Contender:
    return Contender(name, way, ours=True, goal=goal)


def _send(goal: Goal | None, *, tcp_nodelay: bool = True) -> tuple[Contender, ...]:
    def to_storescp(client: programs.Send, worker: str = "") -> Way:
        return ways.send(client, "storescp", worker=worker, tcp_nodelay=tcp_nodelay)

    return (
        Contender("dcmsend", to_storescp(programs.dcmsend)),
        *([Contender("storescu", to_storescp(programs.storescu))] if tcp_nodelay else []),
        _ours("adit send", to_storescp(programs.adit_send, "send"), goal),
        _ours("connector", ways.store_by_connector("storescp", tcp_nodelay=tcp_nodelay)),
    )


def _receive(goal: Goal, *, on_disk: bool = False, tcp_nodelay: bool = True) -> tuple[Contender, ...]:
    ours: Sink = "adit receive --fsync" if on_disk else "adit receive"

    def into(sink: Sink) -> Way:
        return ways.send(programs.dcmsend, sink, tcp_nodelay=tcp_nodelay, on_disk=on_disk)

    receiver = [_ours("receiver", into("receiver"), goal)] if on_disk else []
    return (Contender("storescp +B", into("storescp")), _ours(ours, into(ours), goal), *receiver)


def _get(goal: Goal, *, tcp_nodelay: bool = True) -> tuple[Contender, ...]:
    return (
        Contender("getscu +B", ways.get(programs.getscu, tcp_nodelay=tcp_nodelay)),
        _ours("adit fetch", ways.get(programs.adit_fetch, worker="fetch", tcp_nodelay=tcp_nodelay), goal),
        _ours("connector", ways.get_by_connector(tcp_nodelay=tcp_nodelay)),
    )


def _move(goal: Goal, *, tcp_nodelay: bool = True) -> tuple[Contender, ...]:
    on_disk = [_ours("receiver, spool on disk", ways.move_by_connector(spool_on_disk=True))] if tcp_nodelay else []
    return (
        Contender("movescu, storescp +B", ways.move_by_movescu(tcp_nodelay=tcp_nodelay)),
        _ours("receiver, connector", ways.move_by_connector(tcp_nodelay=tcp_nodelay), goal),
        *on_disk,
    )


_THROUGH: Final = (
    Contender("pynetdicom get, then store", ways.through("pynetdicom")),
    _ours("pipeline", ways.through("pipeline"), Goal(ratio=1 / 8, share="≥8× as fast")),
    _ours("adit run", ways.through("adit run"), Goal(ratio=1 / 8, share="≥8× as fast")),
)
_FIND: Final = (
    Contender("findscu", ways.find_by_findscu),
    _ours("connector", ways.find_by_connector, Goal(ratio=1.5, net=True)),
)
_WORKERS: Final = (
    Contender("movescu, storescp +B", ways.move_by_movescu()),
    _ours("receiver, connector", ways.move_by_connector()),
    _ours("adit run", ways.through("adit run")),
)
"""For their memory: the receiver and who waits for it by C-MOVE, a runner's whole transfer by C-GET."""
_INSTALLED_ORTHANC: Final = (
    Contender("dcmsend", ways.send(programs.dcmsend, "Orthanc", tcp_nodelay=False)),
    _ours("adit send", ways.send(programs.adit_send, "Orthanc", worker="send", tcp_nodelay=False), NO_STEPS),
)

ROWS: Final = (
    Row("send", "send CT", "C-STORE to storescp", "ct", _send(Goal(0.7))),
    Row("send", "send MR", "C-STORE of small instances to storescp", "mr", _send(Goal(0.7))),
    Row("receive", "receive CT", "dcmsend to the receiving program, no fsync", "ct", _receive(Goal(1.1))),
    Row("receive", "receive CT, fsync", "the same, files on a disk", "ct", _receive(Goal(2.0), on_disk=True)),
    Row("get", "get CT", "C-GET from Orthanc into files", "ct", _get(Goal(1.0))),
    Row("move", "move CT", "C-MOVE from Orthanc: receiver, then the runner's disk", "ct", _move(Goal(1.3))),
    Row("large", "send large", "one multi-frame to storescp", "large", _send(Goal(1.1))),
    Row("large", "receive large", "one multi-frame by dcmsend", "large", _receive(Goal(1.1))),
    Row("large", "get large", "one multi-frame from Orthanc", "large", _get(Goal(1.1))),
    Row("find", "find", "C-FIND at Orthanc, a row for each study", "ct", _FIND),
    Row("through", "through", "Orthanc to storescp, identified", "ct", _THROUGH),
    Row("installed", "send, installed", "storescp as installed", "few", _send(NO_STEPS, tcp_nodelay=False)),
    Row("installed", "send to Orthanc, installed", "Orthanc as installed", "few", _INSTALLED_ORTHANC),
    Row("installed", "receive, installed", "dcmsend as installed", "few", _receive(NO_STEPS, tcp_nodelay=False)),
    Row("installed", "get, installed", "Orthanc as installed", "few", _get(NO_STEPS, tcp_nodelay=False)),
    Row("installed", "move, installed", "Orthanc as installed", "few", _move(NO_STEPS, tcp_nodelay=False)),
    Row("memory", "many small", "a long study to storescp: memory must not grow", "many", _send(None), most=1),
    Row("memory", "many, through", "a long study by receiver and by runner", "many", _WORKERS, most=1),
    Row("memory", "large, through", "one multi-frame by receiver and by runner", "large", _WORKERS, most=1),
)
GROUPS: Final = tuple(dict.fromkeys(row.group for row in ROWS))
