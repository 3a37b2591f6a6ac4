"""With and without its memory the rewriter makes the same bytes: a wrong memory would be another patient's data."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adit.api.pseudonymization_profile import PseudonymizationProfileSpec
from adit.pseudonymization import BUILT_IN, Profile, ProjectKey
from adit.pseudonymization.pseudonymizer import Pseudonymizer
from adit.testing.canary_places import canary_instance, places
from adit.testing.datasets import ct_study, mr_study, pr_study, referring_study, us_study
from adit.testing.elements import EXPLICIT_BIG, EXPLICIT_LITTLE, IMPLICIT_LITTLE
from adit.testing.odd_files import odd_files
from adit.testing.patients import PATIENTS
from adit.testing.pydicom_files import valid_instances
from adit.transfer.instance import Instance
from adit.transfer.outcomes import RewriteOutcome, Rewritten
from adit.transfer.part10 import open_part10
from adit.transfer.rewriter import Subject
from tests.core.pseudonymization.any_data_set import Described, interleaved

KEY = ProjectKey(bytes(range(32)))
PASS_ALL = {"gates": [{"action": "Pass", "burnedInAnnotation": ["Present", "Absent", "Unknown"]}]}
DOCUMENTS: dict[str, dict[str, Any]] = {
    "removing": PASS_ALL,
    "keeping": {
        **PASS_ALL,
        "options": ["RetainUIDs", "RetainDeviceIdentity", "RetainPatientCharacteristics", "RetainSafePrivate"],
        "privateAttributes": {"policy": "SafeList"},
    },
    "cleaning": {
        **PASS_ALL,
        "options": ["CleanDescriptors", "CleanStructuredContent", "RetainLongitudinalModifiedDates"],
        "privateAttributes": {"policy": "Keep"},
    },
}
PROFILES = {
    "adit-compatible": BUILT_IN["adit-compatible"],
    **{name: Profile(name, PseudonymizationProfileSpec.of(document)) for name, document in DOCUMENTS.items()},
}


def left_by(outcome: RewriteOutcome) -> tuple[str, str, object]:
    """Kind, reason or syntax, and every byte; read at once, since the next instance may take the file."""
    if isinstance(outcome, Rewritten):
        return "Rewritten", outcome.instance.transfer_syntax_uid, b"".join(outcome.instance.chunks())
    return type(outcome).__name__, outcome.reason, None


def rewritten(instances: Iterable[Instance], name: str, *, memoise: bool) -> list[tuple[str, str, object]]:
    rewriter = Pseudonymizer(PROFILES[name], KEY, frozenset(), memoise=memoise)
    subjects = (Subject(pseudonym=f"PSEUDO-{number % 2}", trial_id="T") for number in range(1_000_000))
    return [left_by(rewriter.rewrite(one, subject)) for one, subject in zip(instances, subjects, strict=False)]


def require_equal(instances: Sequence[Instance], name: str) -> list[tuple[str, str, object]]:
    memoised = rewritten(instances, name, memoise=True)
    assert memoised == rewritten(instances, name, memoise=False)
    return memoised


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(drawn=interleaved(), name=st.sampled_from(list(PROFILES)))
def test_any_instances_in_any_order(
    tmp_path_factory: pytest.TempPathFactory, drawn: list[Described], name: str
) -> None:
    folder = tmp_path_factory.mktemp("drawn")
    require_equal([one.write(folder, position) for position, one in enumerate(drawn)], name)


@pytest.mark.parametrize("name", list(PROFILES))
def test_files_of_all_kinds_one_after_the_other_and_once_more(tmp_path: Path, name: str) -> None:
    paths = [*odd_files(tmp_path / "odd").values(), *(one.path for one in valid_instances()[::3])]
    outcomes = require_equal([open_part10(path) for path in [*paths, *paths[:40]]], name)
    assert sum(kind == "Rewritten" for kind, *_ in outcomes) > len(outcomes) / 2


@pytest.mark.parametrize("name", list(PROFILES))
def test_series_of_several_patients_interleaved(tmp_path: Path, name: str) -> None:
    studies = [ct_study(patient, instances=3, rows=8) for patient in PATIENTS]
    studies += [mr_study(PATIENTS[1], series=2, instances=2, rows=8), referring_study(PATIENTS[2])]
    studies += [us_study(PATIENTS[3], frames=1, rows=8), pr_study(PATIENTS[4])]
    by_study = [study.write(tmp_path / str(number)) for number, study in enumerate(studies)]
    longest = max(map(len, by_study))
    turns = [paths[turn] for turn in range(longest) for paths in by_study if turn < len(paths)]
    outcomes = require_equal([open_part10(path) for path in turns], name)
    assert [reason for kind, reason, _ in outcomes if kind != "Rewritten"] == []


@pytest.mark.parametrize("name", list(PROFILES))
def test_canaries_in_every_place_and_syntax(tmp_path: Path, name: str) -> None:
    syntaxes = (EXPLICIT_LITTLE, IMPLICIT_LITTLE, EXPLICIT_BIG, EXPLICIT_LITTLE)
    made = [canary_instance(tmp_path, place, syntax).instance for syntax in syntaxes for place in places(syntax)]
    outcomes = require_equal(made, name)
    assert sum(kind == "Rewritten" for kind, *_ in outcomes) > len(outcomes) * 0.9, outcomes
