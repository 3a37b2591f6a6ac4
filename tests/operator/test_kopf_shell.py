from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import kopf
import pytest
import yaml
from kopf import Resource

from adit.cluster.kubernetes.credentials import KubeConfig, ServiceAccount
from adit.errors import BadInput
from adit_operator.kopf_shell import STALE_SECONDS, fresh, registry_for, shell_settings, signed_in

EXEC = "client.authentication.k8s.io/v1"
JOBS, SECRETS, TASK_SETS = ("batch", "v1", "jobs"), ("", "v1", "secrets"), ("adit.dev", "v1alpha1", "tasksets")


@dataclass
class TakingDown:
    seconds_since_resync: float = 0.0
    taken: list[tuple[Any, bool]] = field(default_factory=list)

    def take(self, manifest: Any, *, deleted: bool) -> None:
        self.taken.append((manifest, deleted))


def nothing() -> None:
    """Nobody is told of the end."""


def test_the_probe_tells_the_age_of_a_fresh_resync() -> None:
    assert fresh(TakingDown(STALE_SECONDS)) == STALE_SECONDS


def test_the_probe_fails_for_good_when_the_resync_is_stale() -> None:
    with pytest.raises(kopf.PermanentError, match="181 s"):
        fresh(TakingDown(STALE_SECONDS + 1))


def test_nothing_but_events_is_handled_so_that_no_object_gets_a_finalizer_or_an_annotation() -> None:
    registry = registry_for(TakingDown(), nothing)
    assert len(registry._watching.get_all_handlers()) == 7
    assert not registry._changing.get_all_handlers()
    assert not registry._spawning.get_all_handlers()
    assert not registry._indexing.get_all_handlers()


async def test_an_event_is_handed_on_with_whether_the_object_is_gone() -> None:
    operator = TakingDown()
    handler: Any = next(iter(registry_for(operator, nothing)._watching.get_all_handlers())).fn
    for kind in (None, "MODIFIED", "DELETED"):
        assert await handler(event={"type": kind, "object": {"kind": "Job"}}) is None
    assert operator.taken == [({"kind": "Job"}, False), ({"kind": "Job"}, False), ({"kind": "Job"}, True)]


def test_only_our_jobs_and_labelled_secrets_are_asked_for() -> None:
    selectors = shell_settings().watching.label_selectors
    asked = {name: selectors.collect(resource(*name)) for name in (JOBS, SECRETS, TASK_SETS)}
    assert asked == {
        JOBS: ["app.kubernetes.io/managed-by=adit.dev"],
        SECRETS: ["adit.dev/purpose in (credential, key)"],
        TASK_SETS: [],  # finished ones count
    }


def resource(group: str, version: str, plural: str) -> Resource:
    return Resource(group=group, version=version, plural=plural)


async def test_a_pod_signs_in_at_the_address_that_the_kubelet_gives(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("abc")
    (tmp_path / "ca.crt").write_text("a certificate")
    assert (await signed_in(ServiceAccount("10.0.0.1", "443", tmp_path))).server == "https://10.0.0.1:443"
    assert (await signed_in(ServiceAccount("fd00::1", "6443", tmp_path))).server == "https://[fd00::1]:6443"
    told = await signed_in(ServiceAccount("10.0.0.1", "443", tmp_path))
    assert told.as_http_headers() == {"Authorization": "bearer abc"}
    (tmp_path / "token").write_text("replaced by the kubelet")
    assert (await signed_in(ServiceAccount("10.0.0.1", "443", tmp_path))).token != told.token


def kubeconfig(folder: Path, user: dict[str, Any], **cluster: Any) -> KubeConfig:
    written = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me"}}],
        "clusters": [{"name": "here", "cluster": {"server": "https://127.0.0.1:6443", **cluster}}],
        "users": [{"name": "me", "user": user}],
    }
    path = folder / "kubeconfig"
    path.write_text(yaml.safe_dump(written))
    return KubeConfig(str(path))


async def test_a_kubeconfig_may_name_a_file_with_the_token(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from-a-file")
    told = await signed_in(kubeconfig(tmp_path, {"tokenFile": str(tmp_path / "token")}))
    assert told.as_http_headers() == {"Authorization": "Bearer from-a-file"}


async def test_a_kubeconfig_may_name_a_plugin_that_is_asked_anew_each_time(tmp_path: Path) -> None:
    plugin = tmp_path / "plugin"
    plugin.write_text(
        "#!/bin/sh\n"
        f"echo asked >> {tmp_path}/asked\n"
        f'echo \'{{"apiVersion": "{EXEC}", "kind": "ExecCredential", "status": {{"token": "t"}}}}\'\n'
    )
    plugin.chmod(0o700)
    how = {"apiVersion": EXEC, "command": str(plugin), "interactiveMode": "Never"}
    for _ in range(2):
        told = await signed_in(kubeconfig(tmp_path, {"exec": how}))
        assert told.as_http_headers() == {"Authorization": "Bearer t"}
    assert (tmp_path / "asked").read_text().split() == ["asked", "asked"]


async def test_what_the_shell_cannot_honour_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="tls-server-name"):
        await signed_in(kubeconfig(tmp_path, {"token": "t"}, **{"tls-server-name": "elsewhere"}))
