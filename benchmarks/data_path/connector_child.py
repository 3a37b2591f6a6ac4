"""The child that does one thing by the connector as a runner does it, told in JSON on standard input.

`find` counts answers, `fetch` leaves the study in a folder and lists what lies where, `store` sends one.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from adit.api.dicom_server import DicomServerSpec
from adit.connectors import Target, open_connector
from adit.connectors.connector import Connector
from adit.query import Level, Query, Selection
from adit.transfer.instance import FileSlice, Instance
from adit.transfer.part10 import open_part10
from adit.transfer.placement import Placement
from adit.transmit.access import ReceiverAccess


def main() -> int:
    order = json.load(sys.stdin)
    with open_connector(_target(order)) as connector:
        return {"find": _find, "fetch": _fetch, "store": _store}[order["do"]](connector, order)


def _find(connector: Connector, order: dict[str, Any]) -> int:
    query = Query(Level.STUDY, patient_id=order["patient_id"])
    found = {str(answer.StudyInstanceUID) for answer in connector.find(query)}
    return 0 if len(found) == order["expected"] else _lacks(len(found), order["expected"])


def _fetch(connector: Connector, order: dict[str, Any]) -> int:
    spool = Path(order["spool"])
    spool.mkdir()
    listed = [_lying(instance) for instance in connector.fetch(Selection(order["patient_id"], order["study"]), spool)]
    Path(order["listed"]).write_text(json.dumps(listed), "utf-8")
    return 0


def _store(connector: Connector, order: dict[str, Any]) -> int:
    def instances() -> Iterator[Instance]:
        yield from map(open_part10, sorted(Path(order["directory"]).iterdir()))

    outcomes = list(connector.store(instances(), Placement("benchmark")))
    stored = sum(outcome.stored for outcome in outcomes)
    return 0 if stored == len(outcomes) else _lacks(stored, len(outcomes))


def _lying(instance: Instance) -> tuple[str, str, int]:
    [piece] = instance.pieces
    assert isinstance(piece, FileSlice)
    return instance.sop_instance_uid, str(piece.path), piece.start


def _lacks(found: int, expected: int) -> int:
    print(f"{found} of {expected}", file=sys.stderr)
    return 1


def _target(order: dict[str, Any]) -> Target:
    receiver = None
    if told := order.get("receiver"):
        receiver = ReceiverAccess(told["ae_title"], told["host"], told["port"], bytes.fromhex(told["key"]))
    return Target("peer", DicomServerSpec.of(order["server"]), "BENCH", Path(order["folder"]), receiver=receiver)


if __name__ == "__main__":
    raise SystemExit(main())
