"""Places for rewritten files: two patients never share a pseudonym, and nothing is replaced unasked."""

from pathlib import Path

import pytest

from adit_cli.pseudonymize.order import Item, Staged
from adit_cli.pseudonymize.publishing import Publisher


def staged(
    folder: Path, number: int, uid: str, *, pseudonym: str = "P", patient: str = "a", raw: bytes = b"x"
) -> Staged:
    file = folder / f"staged-{number}"
    file.write_bytes(raw)
    item = Item(number, "written", new_uid=uid, pseudonym=pseudonym)
    return Staged(item, (pseudonym, "study", "series", f"{uid}.dcm"), file, b"", patient)


def test_a_second_patient_under_a_derived_pseudonym_is_held_and_not_written(tmp_path: Path) -> None:
    publisher = Publisher(tmp_path / "out", force=False, dry_run=False)
    assert publisher.publish(staged(tmp_path, 1, "1.2")).state == "written"
    second = publisher.publish(staged(tmp_path, 2, "1.3", patient="b"))
    assert (second.state, second.reason) == ("held", "PseudonymCollision")
    assert [path.name for path in tmp_path.rglob("*.dcm")] == ["1.2.dcm"]


@pytest.mark.parametrize(("force", "content"), [(False, b"older"), (True, b"x")])
def test_what_lay_there_before_is_replaced_with_force_only(tmp_path: Path, *, force: bool, content: bytes) -> None:
    place = tmp_path / "out/P/study/series/1.2.dcm"
    place.parent.mkdir(parents=True)
    place.write_bytes(b"older")
    item = Publisher(tmp_path / "out", force=force, dry_run=False).publish(staged(tmp_path, 1, "1.2"))
    assert (item.state, place.read_bytes()) == ("written" if force else "held", content)


def test_force_replaces_nothing_of_the_same_run(tmp_path: Path) -> None:
    publisher = Publisher(tmp_path / "out", force=True, dry_run=False)
    publisher.publish(staged(tmp_path, 1, "1.2", raw=b"first"))
    assert publisher.publish(staged(tmp_path, 2, "1.2", raw=b"other")).reason == "OtherContent"
    assert (tmp_path / "out/P/study/series/1.2.dcm").read_bytes() == b"first"
    publisher.sync()
