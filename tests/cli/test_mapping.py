"""adit mapping export: who may have a table gets all of it as a private file, and nobody sees a row on the screen."""

import csv
import io
import json
import stat
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from adit.cluster.cluster import Cluster, Forbidden, Listing
from adit.cluster.embedded import EmbeddedCluster
from adit.pseudonymization.mapping import ENTRY, MappingRow, mapping_secrets
from adit_cli.mapping import exported
from adit_cli.mapping_access import Table, rows_of
from adit_cli.testing.command_line import CommandLine
from adit_cli.testing.program import Adit, Result

ROW = MappingRow(
    namespace="default",
    profile="study-7",
    issuer="HOSPITAL",
    patient_id="SYN-1",
    pseudonym="P-1",
    key_id="0123456789abcdef",
    since="2026-11-24T17:00:00Z",
    first_job="night",
)
TABLE = Table("study-7", "default", "adit")


def kept(*rows: MappingRow, job_uid: str = "0a1b", runners: str = "adit") -> Sequence[dict[str, Any]]:
    return mapping_secrets(rows, namespace=rows[0].namespace, job_uid=job_uid, runner_namespace=runners)


def export(adit: CommandLine, to: Path, *words: str) -> Result:
    return adit("mapping", "export", "--profile", "study-7", "-o", to, *words)


def lines(path: Path) -> list[list[str]]:
    return list(csv.reader(io.StringIO(path.read_text("utf-8-sig"), newline="")))


def audits(adit: CommandLine) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (adit.data / "logs" / "adit-mapping.log").read_text().splitlines()]


@dataclass(frozen=True)
class Says:
    """An authority of one answer."""

    answer: bool

    async def who(self) -> str:
        return "tina"

    async def may_read(self, table: Table) -> bool:
        del table
        return self.answer


class WithoutSecrets:
    """A cluster where this person may list no Secret."""

    async def list(self, *_: object, **__: object) -> Listing:
        raise Forbidden("secrets is forbidden")


def test_the_rows_of_all_jobs_are_exported_each_once(adit: CommandLine, tmp_path: Path) -> None:
    again = replace(ROW, since="2026-11-25T17:00:00Z", first_job="another")
    second = replace(again, patient_id="SYN-2", pseudonym="P-2")
    adit.put(*kept(ROW), *kept(again, second, job_uid="0c"))
    result = export(adit, tmp_path / "m.csv")
    assert (result.code, result.out) == (0, f"2 rows written to {tmp_path / 'm.csv'}\n")
    assert lines(tmp_path / "m.csv") == [
        ["issuer", "patientId", "pseudonym", "profile", "namespace", "keyId", "firstJob", "since"],
        ["HOSPITAL", "SYN-1", "P-1", "study-7", "default", "0123456789abcdef", "night", "2026-11-24T17:00:00Z"],
        ["HOSPITAL", "SYN-2", "P-2", "study-7", "default", "0123456789abcdef", "another", "2026-11-25T17:00:00Z"],
    ]


def test_other_profiles_and_other_namespaces_are_left_out(adit: CommandLine, tmp_path: Path) -> None:
    adit.put(*kept(ROW, replace(ROW, profile="study-8", patient_id="SYN-8")))
    adit.put(*kept(replace(ROW, namespace="clinic", patient_id="SYN-9")))
    export(adit, tmp_path / "m.csv")
    assert [line[1] for line in lines(tmp_path / "m.csv")[1:]] == ["SYN-1"]
    assert adit("-n", "clinic", "mapping", "export", "--profile", "study-7", "-o", tmp_path / "c.csv").code == 0
    assert [line[1] for line in lines(tmp_path / "c.csv")[1:]] == ["SYN-9"]


@pytest.mark.parametrize("name", ["m.csv", "m.xlsx"])
def test_neither_screen_nor_audit_shows_a_row_and_the_file_is_private(
    adit: CommandLine, tmp_path: Path, name: str
) -> None:
    adit.put(*kept(ROW))
    result = export(adit, tmp_path / name)
    shown = result.out.replace(str(tmp_path), "") + result.err + json.dumps(audits(adit))
    assert not [word for word in ("SYN-1", "P-1", "HOSPITAL") if word in shown]
    assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600


def test_an_export_writes_one_audit_line_that_says_who_took_what(adit: CommandLine, tmp_path: Path) -> None:
    adit.put(*kept(ROW))
    result = export(adit, tmp_path / "m.csv")
    [line] = audits(adit)
    assert json.loads(result.err) == line
    assert line.pop("requestedBy")
    assert line.pop("timestamp")
    assert line == {
        "event": "mapping table exported",
        "audit": True,
        "level": "info",
        "logger": "adit.audit",
        "namespace": "default",
        "profile": "study-7",
        "runnerNamespace": "adit",
        "outcome": "Exported",
        "rows": 1,
    }


def test_the_program_itself_shows_the_line_though_it_logs_errors_only(adit: CommandLine, tmp_path: Path) -> None:
    adit.put(*kept(ROW))
    words = ["mapping", "export", "--profile", "study-7", "-o", str(tmp_path / "m.csv")]
    result = Adit(adit.data).run(*words)
    assert (result.code, json.loads(result.err)["outcome"]) == (0, "Exported")


def test_what_cannot_be_audited_is_not_exported(adit: CommandLine, tmp_path: Path) -> None:
    adit.put(*kept(ROW))
    (adit.data / "logs").mkdir()
    (adit.data / "logs" / "adit-mapping.log").mkdir()
    result = export(adit, tmp_path / "m.csv")
    assert (result.code, result.err.partition(":")[0]) == (1, "NotAudited")
    assert not (tmp_path / "m.csv").exists()


def test_a_file_that_is_there_is_replaced_only_when_that_is_asked_for(adit: CommandLine, tmp_path: Path) -> None:
    adit.put(*kept(ROW))
    target = tmp_path / "m.csv"
    target.write_text("mine")
    target.chmod(0o644)
    result = export(adit, target)
    assert (result.code, result.err) == (2, f"{target} is there already: --force replaces it\n")
    assert target.read_text() == "mine"
    assert export(adit, target, "--force").code == 0
    assert len(lines(target)) == 2
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.glob("*.csv*")] == ["m.csv"]


def test_a_link_is_replaced_and_never_written_through(adit: CommandLine, tmp_path: Path) -> None:
    adit.put(*kept(ROW))
    (tmp_path / "m.csv").symlink_to(tmp_path / "elsewhere")
    assert export(adit, tmp_path / "m.csv").code == 2
    assert export(adit, tmp_path / "m.csv", "--force").code == 0
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("mapping.txt", "must end in .xlsx or .csv"),
        ("-", "must end in .xlsx or .csv"),
        ("absent/m.csv", "is no folder"),
    ],
)
def test_a_name_that_cannot_be_a_table_is_refused_before_anything_is_asked(
    adit: CommandLine, tmp_path: Path, name: str, said: str
) -> None:
    result = export(adit, tmp_path / name if name != "-" else Path(name))
    assert result.code == 2
    assert said in result.err
    assert not adit.data.exists()


def test_a_table_that_is_not_there_is_told_with_where_it_was_looked_for(adit: CommandLine, tmp_path: Path) -> None:
    adit.put(*kept(ROW, runners="elsewhere"))
    result = export(adit, tmp_path / "m.csv")
    assert result.code == 1
    assert "study-7 of default in adit" in result.err
    assert not (tmp_path / "m.csv").exists()
    assert export(adit, tmp_path / "m.csv", "--runner-namespace", "elsewhere").code == 0


def test_a_part_that_cannot_be_read_stops_the_export_by_its_name(adit: CommandLine, tmp_path: Path) -> None:
    [broken] = kept(ROW, job_uid="0c")
    adit.put(*kept(ROW), {**broken, "data": {ENTRY: "bm8="}})
    result = export(adit, tmp_path / "m.csv")
    assert result.code == 2
    assert broken["metadata"]["name"] in result.err
    assert not (tmp_path / "m.csv").exists()


async def test_who_lacks_the_verb_is_told_what_to_ask_for_and_audited(adit: CommandLine) -> None:
    told: list[str] = []
    async with EmbeddedCluster.open(adit.data) as cluster:
        with pytest.raises(Forbidden) as refused:
            await exported(cluster, Says(answer=False), TABLE, ".csv", told.append)
    assert "tina lacks the verb read-mapping on PseudonymizationProfile study-7 in default" in refused.value.message
    assert "resourceNames: [study-7]" in refused.value.message
    [line] = map(json.loads, told)
    assert (line["requestedBy"], line["outcome"], line["rows"]) == ("tina", "Refused", 0)


async def test_who_may_not_list_secrets_is_told_that_it_is_this() -> None:
    cluster: Any = WithoutSecrets()
    typed: Cluster = cluster
    with pytest.raises(Forbidden, match="may not list the Secrets of adit"):
        await rows_of(typed, TABLE)
