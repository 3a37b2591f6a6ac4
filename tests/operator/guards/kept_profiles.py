"""Kept examples of profiles: what was planned is what runs, and a key that a profile names is not ours to make."""

from typing import Any

from adit.api.labels import PURPOSE
from adit.cluster.kinds import Ref
from adit.pseudonymization.mapping import MAPPING_TYPE
from adit.testing.cluster import profile_manifest
from tests.operator.guards.drill import Step
from tests.operator.guards.kept_owners import Owning

BRAIN = Ref("PseudonymizationProfile", "default", "brain")
BY_BRAIN = {
    "pseudonymization": {"profile": "brain"},
    "tasks": [{"patientId": "P0", "studyInstanceUid": "1.2.1", "pseudonym": "A0"}],
}


class Profiled(Owning):
    """The drill with a profile that somebody makes, and makes again otherwise."""

    async def define(self, spec: dict[str, Any]) -> None:
        """Somebody makes the profile, in place of the one that there was."""
        if (await self.tap.list("PseudonymizationProfile")).items:
            await self.tap.delete(BRAIN)
        await self.tap.create(profile_manifest("brain", **spec))

    async def expect_no_table(self) -> None:
        found = [one for one in (await self.tap.list("Secret")).items if one.get("type") == MAPPING_TYPE]
        assert not found, "who got which pseudonym was kept, and nobody asked for it"

    async def expect_no_key(self) -> None:
        found = (await self.tap.list("Secret", labels={PURPOSE: "key"})).items
        assert not found, "a key was made beside the one that the profile names"


PROFILE_EXAMPLES: dict[str, tuple[bool, list[Step]]] = {
    "profile-as-planned": (
        True,
        [
            *(("define", {}), ("submit", "night", 1, 1, BY_BRAIN), ("look",), ("look",), ("look",), ("look",)),
            *(("define", {"options": ["RetainUIDs"]}), ("see_all",), ("admit",)),
            *(("expect_runner_jobs", 0), ("delete", "night")),
        ],
    ),
    "no-table-unasked": (
        True,
        [("define", {}), ("submit", "night", 1, 1, BY_BRAIN), ("start",), ("expect_no_table",), ("delete", "night")],
    ),
    "named-key-is-not-made": (
        True,
        [
            ("define", {"keySecretRef": {"name": "brain-key", "key": "key"}}),
            *(("submit", "night", 1, 1, BY_BRAIN), ("look",), ("look",)),
            *(("expect_no_key",), ("expect_stalled", "KeyMissing"), ("delete", "night")),
        ],
    ),
}
