"""A profile that keeps a mapping table, on one machine: what was run is what is exported, and only that."""

import csv
import io
import json

from adit_cli.testing import manifests
from adit_cli.testing.hospital import Hospital

SPEC = {"pseudonymSource": "Derived", "mappingTable": True}


def test_what_arrived_under_a_pseudonym_stands_in_the_exported_table(hospital: Hospital) -> None:
    profile = manifests.resource("PseudonymizationProfile", "study-7", SPEC)
    run = hospital.adit.run("run", hospital.file(profile, pseudonymization={"profile": "study-7"}))
    assert run.code == 0, run.err
    target = hospital.folder / "m.csv"
    result = hospital.adit.run("mapping", "export", "--profile", "study-7", "-o", target)
    assert (result.code, json.loads(result.err)["outcome"]) == (0, "Exported")
    [line] = csv.DictReader(io.StringIO(target.read_text("utf-8-sig"), newline=""))
    arrived = {one.patient_id for one in hospital.destination.instances()}
    assert (line["patientId"], {line["pseudonym"]}) == (hospital.studies[0].patient.patient_id, arrived)
