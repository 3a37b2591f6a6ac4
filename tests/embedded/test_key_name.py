"""ANONYMIZATION_SEED on one machine: the same name, and the same refusal, as on a cluster."""

from dataclasses import replace

from adit_cli.testing.hospital import Hospital


def test_a_seed_in_the_place_of_a_name_is_refused_and_not_repeated(hospital: Hospital) -> None:
    adit = replace(hospital.adit, environment={**hospital.adit.environment, "ANONYMIZATION_SEED": "Our Seed"})
    refused = adit.run("run", hospital.file())
    assert refused.code == 2
    assert "ANONYMIZATION_SEED: is the name of the Secret" in refused.err
    assert "Our Seed" not in refused.err
    assert hospital.arrived == set()
