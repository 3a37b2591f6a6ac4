"""The child that gets a whole study with pynetdicom as it comes, and when all of it is there stores it as it comes.

What a pipeline does that is written with the library's defaults: decode, a file for each instance, read, encode. Where
it is told a seed, all files are anonymized by dicognito in between.
"""

import json
import sys
from pathlib import Path
from typing import Any, Final

from pydicom import Dataset, dcmread
from pynetdicom import AE, build_role, evt

SUCCESS: Final = 0x0000
STUDY_ROOT_GET: Final = "1.2.840.10008.5.1.4.1.2.2.3"


def main() -> int:
    order = json.load(sys.stdin)
    folder = Path(order["spool"])
    folder.mkdir()
    classes = [str(one) for one in order["classes"]]
    _get(order, folder, classes)
    if seed := order.get("seed"):
        _anonymize(folder, str(seed))
    return _store(order, folder, classes)


def _get(order: dict[str, Any], folder: Path, classes: list[str]) -> None:
    def keep(event: evt.Event) -> int:
        dataset = event.dataset
        dataset.file_meta = event.file_meta
        dataset.save_as(folder / f"{dataset.SOPInstanceUID}.dcm", enforce_file_format=True)
        return SUCCESS

    entity = AE("BENCH")
    entity.add_requested_context(STUDY_ROOT_GET)
    for sop_class in classes:
        entity.add_requested_context(sop_class)
    identifier = Dataset()
    identifier.QueryRetrieveLevel, identifier.StudyInstanceUID = "STUDY", order["study"]
    association = entity.associate(
        order["source"]["host"],
        order["source"]["port"],
        ae_title=order["source"]["ae_title"],
        ext_neg=[build_role(sop_class, scp_role=True) for sop_class in classes],
        evt_handlers=[(evt.EVT_C_STORE, keep)],
    )
    for _ in association.send_c_get(identifier, STUDY_ROOT_GET):
        pass
    association.release()


def _anonymize(folder: Path, seed: str) -> None:
    from dicognito.anonymizer import Anonymizer  # noqa: PLC0415 - no part of a transfer that does not anonymize

    anonymizer = Anonymizer(seed=seed)
    for path in sorted(folder.iterdir()):
        dataset = dcmread(path)
        anonymizer.anonymize(dataset)
        dataset.save_as(path)


def _store(order: dict[str, Any], folder: Path, classes: list[str]) -> int:
    entity = AE("BENCH")
    for sop_class in classes:
        entity.add_requested_context(sop_class)
    destination = order["destination"]
    association = entity.associate(destination["host"], destination["port"], ae_title=destination["ae_title"])
    refused = sum(association.send_c_store(dcmread(path)).get("Status") != SUCCESS for path in sorted(folder.iterdir()))
    association.release()
    return 1 if refused else 0


if __name__ == "__main__":
    raise SystemExit(main())
