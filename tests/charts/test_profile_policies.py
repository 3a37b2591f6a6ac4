"""Who may make which profile, and what the operator may do with them: refused by the installed chart."""

import json
from typing import Any

import pytest
import yaml

from tests.charts.tenancy import PERSON, Tenancy, refused, until
from tests.cluster.access import KubectlError

pytestmark = pytest.mark.cluster

PROFILES = "pseudonymizationprofiles.adit.dev"
KEEPS = {"privateAttributes": {"policy": "Keep"}}


def profile(name: str, **spec: Any) -> str:
    return json.dumps(  # YAML would leave tags without quotes
        {"apiVersion": "adit.dev/v1alpha1", "kind": "PseudonymizationProfile", "metadata": {"name": name}, "spec": spec}
    )


def bound(tenancy: Tenancy, role: str, who: str) -> None:
    """One of the chart's roles for somebody, in force once the API server has seen it."""
    name = f"{tenancy.release}.adit-{role}"
    tenancy.kubernetes.kubectl(
        "-n", tenancy.tenant, "create", "rolebinding", f"{role}-{who}", f"--clusterrole={name}", f"--user={who}"
    )
    until(lambda: may(tenancy, who, "list", PROFILES))


def may(tenancy: Tenancy, who: str, verb: str, resource: str) -> bool:
    try:
        words = ("-n", tenancy.tenant, "--as", who, "auth", "can-i", verb, resource)
        return tenancy.kubernetes.kubectl(*words).startswith("yes")
    except KubectlError:
        return False


def test_a_profile_that_keeps_private_attributes_needs_the_verb(tenancy: Tenancy) -> None:
    with pytest.raises(KubectlError, match="cannot create resource"):
        tenancy.as_person("create", "-f", "-", input=profile("mine"))
    bound(tenancy, "profile-editor", PERSON)
    until(lambda: may(tenancy, PERSON, "create", PROFILES))
    tenancy.as_person("create", "-f", "-", input=profile("mine"))
    tenancy.as_person("create", "-f", "-", input=profile("removes", privateAttributes={"policy": "Remove"}))
    keeps = profile("keeps", **KEEPS)
    until(
        lambda: refused("keep-private", lambda: tenancy.as_person("create", "--dry-run=server", "-f", "-", input=keeps))
    )
    for words in (("create",), ("apply", "--server-side")):
        with pytest.raises(KubectlError, match="tina lacks the verb keep-private on pseudonymizationprofiles in"):
            tenancy.as_person(*words, "-f", "-", input=keeps)
    for action in ("Keep", "Clean"):
        one = profile("one", overrides=[{"tag": "00291010", "action": action}])
        with pytest.raises(KubectlError, match="no private tag is kept or cleaned"):
            tenancy.as_person("create", "-f", "-", input=one)
    harmless = [{"tag": "00291010", "action": "Remove"}, {"tag": "00081030", "action": "Keep"}]
    tenancy.as_person("create", "-f", "-", input=profile("harmless", overrides=harmless))
    tenancy.allow(PERSON, PROFILES, "keep-private")
    tenancy.as_person("create", "-f", "-", input=one)
    tenancy.as_person("create", "-f", "-", input=keeps)
    with pytest.raises(KubectlError, match=r"another name|immutable"):
        tenancy.as_person("patch", "psp", "mine", "--type=merge", "-p", json.dumps({"spec": KEEPS}))


def test_nobody_takes_the_name_of_a_built_in_profile(tenancy: Tenancy) -> None:
    for name in ("basic", "adit-compatible"):
        with pytest.raises(KubectlError, match="are the names of built-in profiles"):
            tenancy.kubernetes.kubectl("-n", tenancy.tenant, "create", "-f", "-", input=profile(name))


def test_the_roles_for_profiles_give_what_they_say(tenancy: Tenancy) -> None:
    for who, role in (("vera", "viewer"), ("eve", "profile-editor"), ("adam", "profile-admin")):
        bound(tenancy, role, who)
    verbs = ("list", "create", "delete", "keep-private", "read-mapping")
    given = {
        who: [verb for verb in verbs if may(tenancy, who, verb, PROFILES)] for who in (PERSON, "vera", "eve", "adam")
    }
    assert given == {PERSON: ["list"], "vera": ["list"], "eve": ["list", "create", "delete"], "adam": [*verbs]}
    assert not [who for who in given if may(tenancy, who, "list", "secrets")]


def test_a_profile_that_keeps_a_table_is_not_made_where_tables_lie(tenancy: Tenancy) -> None:
    table = profile("study-7", mappingTable=True)

    def make(namespace: str, manifest: str) -> str:
        return tenancy.kubernetes.kubectl("-n", namespace, "create", "--dry-run=server", "-f", "-", input=manifest)

    until(lambda: refused("the table would lie beside its key", lambda: make(tenancy.release, table)))
    make(tenancy.release, profile("study-7", mappingTable=False))
    make(tenancy.tenant, table)


def test_the_operator_neither_writes_profiles_nor_keeps_a_mapping_table_beside_a_key(tenancy: Tenancy) -> None:
    operator = ("--as", f"system:serviceaccount:{tenancy.release}:adit-operator")

    def keep(namespace: str, kind: str = "adit.dev/mapping") -> str:
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"generateName": "adit-mapping-"}, "type": kind}
        return tenancy.kubernetes.kubectl("-n", namespace, *operator, "create", "-f", "-", input=yaml.safe_dump(secret))

    until(lambda: keep(tenancy.release).startswith("secret/"))
    keep(tenancy.tenant, "Opaque")
    until(lambda: refused("belongs into the namespace of the release", lambda: keep(tenancy.tenant)))
    for verb in ("create", "update", "patch", "delete"):
        with pytest.raises(KubectlError):
            tenancy.kubernetes.kubectl("-n", tenancy.tenant, *operator, "auth", "can-i", verb, PROFILES)
