"""Whatever the values are, an instance is rewritten or held back with a code; nothing raises, nothing is half done."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adit.pseudonymization import BUILT_IN, ProjectKey
from adit.pseudonymization.pseudonymizer import Pseudonymizer
from adit.testing.elements import EXPLICIT_LITTLE, spans
from adit.testing.encoder import Encoder
from adit.transfer.instance import Instance
from adit.transfer.outcomes import Quarantined, Rewritten
from adit.transfer.rewriter import Subject
from tests.core.pseudonymization.any_data_set import DATE_TIMES, DATES, TIMES, UIDS, Described, interleaved

TO = Encoder.of(EXPLICIT_LITTLE)
TAGS = ((0x00080020, "DA", DATES), (0x0008002A, "DT", DATE_TIMES), (0x00080030, "TM", TIMES), (0x00081155, "UI", UIDS))
ODD_VALUES = [(tag, vr, value) for tag, vr, values in TAGS for value in values]


def outcome_of(instance: Instance, profile: str) -> Rewritten | Quarantined:
    rewriter = Pseudonymizer(BUILT_IN[profile], ProjectKey(bytes(range(32))), frozenset())
    outcome = rewriter.rewrite(instance, Subject(pseudonym="PSEUDO-17"))
    assert isinstance(outcome, Rewritten | Quarantined)
    return outcome


def one_with(folder: Path, *elements: tuple[int, bytes]) -> Instance:
    return Described(EXPLICIT_LITTLE, 1, elements, b"").write(folder, 0)


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(drawn=interleaved(strange=True), profile=st.sampled_from(sorted(BUILT_IN)))
def test_strange_values_never_raise_and_leave_a_data_set(
    tmp_path_factory: pytest.TempPathFactory, drawn: Sequence[Described], profile: str
) -> None:
    folder = tmp_path_factory.mktemp("strange")
    for position, one in enumerate(drawn):
        outcome = outcome_of(one.write(folder, position), profile)
        if isinstance(outcome, Quarantined):
            assert outcome.reason.isalnum()
        else:
            after = b"".join(outcome.instance.chunks())
            tags = [span.tag for span in spans(after, outcome.instance.transfer_syntax_uid)]
            assert tags == sorted(set(tags))


@pytest.mark.parametrize("profile", sorted(BUILT_IN))
@pytest.mark.parametrize(("tag", "vr", "value"), ODD_VALUES)
def test_a_value_that_is_none_is_no_reason_to_hold_back(
    tmp_path: Path, tag: int, vr: str, value: bytes, profile: str
) -> None:
    assert isinstance(outcome_of(one_with(tmp_path, (tag, TO.element(tag, vr, value))), profile), Rewritten)


@pytest.mark.parametrize("undefined", [True, False])
@pytest.mark.parametrize("tag", [0x00081140, 0x00081115, 0x0040A730, 0x52009230, 0x00101002])
def test_sequences_without_items_and_items_without_elements_pass(tmp_path: Path, tag: int, *, undefined: bool) -> None:
    for items in ((), (b"",), (b"", b"")):
        instance = one_with(tmp_path, (tag, TO.sequence(tag, *items, undefined=undefined)))
        assert isinstance(outcome_of(instance, "basic"), Rewritten)
