"""What one C-GET names: never more UIDs than a peer takes in one request."""

from hypothesis import given
from hypothesis import strategies as st

from adit.connectors.dimse.get import MAX_UIDS, identifiers
from adit.query import Selection


@given(st.lists(st.integers(0, 1700), max_size=3))
def test_named_instances_are_asked_for_in_requests_of_limited_length(sizes: list[int]) -> None:
    named = tuple((f"1.2.{n}", tuple(f"1.2.{n}.{m}" for m in range(size))) for n, size in enumerate(sizes, start=1))
    selection = Selection("P1", "1.2", (), (*named, ("1.9", ("1.9.1",))))
    asked: dict[str, list[str]] = {}
    for identifier in identifiers(selection):
        value = identifier.SOPInstanceUID
        uids = [value] if isinstance(value, str) else list(value)
        assert identifier.QueryRetrieveLevel == "IMAGE"
        assert 1 <= len(uids) <= MAX_UIDS
        asked.setdefault(identifier.SeriesInstanceUID, []).extend(uids)
    assert asked == {series: list(uids) for series, uids in selection.sop_instance_uids if uids}
