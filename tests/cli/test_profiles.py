"""A profile on the command line: checked, applied with its job, listed, described, and never changed."""

from pathlib import Path
from typing import Any

from adit.testing import patients
from adit.testing.cluster import profile_manifest
from adit.testing.datasets import ct_study
from adit_cli.testing import manifests
from adit_cli.testing.command_line import CommandLine

SENTENCE = "spec.tasks[0].pseudonym: is made by the profile (pseudonymSource Derived or Random): remove it"


def job_of(profile: str) -> dict[str, Any]:
    job = manifests.job("night", [ct_study(patients.PLAIN)])
    (task,) = job["spec"]["tasks"]
    spec = {**job["spec"], "pseudonymization": {"profile": profile}, "tasks": [{**task, "pseudonym": "A"}]}
    return {**job, "spec": spec}


def test_a_profile_is_checked_and_a_built_in_name_is_refused(adit: CommandLine, tmp_path: Path) -> None:
    good = manifests.write(tmp_path / "good.yaml", [profile_manifest("brain", options=["RetainUIDs"])])
    assert adit("check", good).out == "1 objects are valid\n"
    bad = manifests.write(tmp_path / "bad.yaml", [profile_manifest("basic", options=["RetainEverything"])])
    refused = adit("check", bad)
    assert refused.code == 2
    assert "metadata.name: basic and adit-compatible are the names of built-in profiles" in refused.err
    assert "spec.options[0]: must be RetainSafePrivate or " in refused.err


def test_profiles_are_listed_and_described(adit: CommandLine) -> None:
    adit.put(profile_manifest("brain", options=["RetainUIDs", "CleanGraphics"], pseudonymSource="Derived"))
    heading, line = adit("get", "psp").out.splitlines()
    assert heading.split() == ["NAME", "OPTIONS", "PRIVATE", "PSEUDONYMS", "AGE"]
    assert line.split()[:4] == ["brain", "RetainUIDs,CleanGraphics", "Remove", "Derived"]
    assert "pseudonymSource: Derived" in adit("describe", "psp", "brain").out


def test_a_job_with_a_pseudonym_too_many_is_refused_with_its_profile_in_files_or_cluster(
    adit: CommandLine, tmp_path: Path
) -> None:
    profile, job = profile_manifest("brain", pseudonymSource="Derived"), job_of("brain")
    both = manifests.write(tmp_path / "both.yaml", [profile, job])
    assert SENTENCE in adit("check", both).err
    alone = manifests.write(tmp_path / "alone.yaml", [job])
    assert adit("check", alone).code == 0, "where nobody knows the profile the operator says it"
    adit.put(profile)
    refused = adit("run", alone)
    assert refused.code == 2
    assert SENTENCE in refused.err
    assert "night" not in adit("get", "tj").out


def test_a_profile_is_never_changed(adit: CommandLine, tmp_path: Path) -> None:
    adit.put(profile_manifest("brain"))
    other = manifests.write(tmp_path / "other.yaml", [profile_manifest("brain", options=["RetainUIDs"])])
    refused = adit("run", other)
    assert refused.code == 2
    assert "spec.options: is immutable; a new version is a new PseudonymizationProfile of another name" in refused.err
