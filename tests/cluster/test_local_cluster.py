"""The cluster that `kubernetes` gives: pods run, find each other by name, keep files, and reach this machine."""

import os
import signal
import socket
import threading
import time

import pytest

from tests.cluster.access import KubectlError, Kubernetes
from tests.cluster.pods import apply, pod, run

pytestmark = pytest.mark.cluster
PYTHON = ("/opt/adit/bin/python", "-c")
DISTRIBUTIONS = "import importlib.metadata as m; print(*sorted(d.name.lower() for d in m.distributions()))"


def test_a_pod_of_the_operators_image_runs_without_rights_and_has_kopf(
    kubernetes: Kubernetes, namespace: str, adit_images: dict[str, str]
) -> None:
    code = f"import os, adit_operator; print(os.getuid(), os.getgid()); {DISTRIBUTIONS}"
    user, installed = run(kubernetes, namespace, pod("it", adit_images["operator"], [*PYTHON, code])).splitlines()
    assert user == "10001 10001"
    assert {"adit-kubernetes", "kopf", "kubernetes"} <= set(installed.split())


def test_the_runners_image_has_no_kopf(kubernetes: Kubernetes, namespace: str, adit_images: dict[str, str]) -> None:
    code = f"import adit_jobrunner; {DISTRIBUTIONS}"
    installed = run(kubernetes, namespace, pod("it", adit_images["jobrunner"], [*PYTHON, code])).split()
    assert "adit-kubernetes" in installed
    assert "kopf" not in installed


def test_a_runner_without_its_surroundings_says_so_and_fails(
    kubernetes: Kubernetes, namespace: str, adit_images: dict[str, str]
) -> None:
    """The image's own entry point, so that it is known to start."""
    manifest = pod("it", adit_images["jobrunner"], [])
    with pytest.raises(AssertionError, match="unusable environment"):
        run(kubernetes, namespace, manifest)


def test_a_pod_that_wants_to_be_root_is_refused_in_a_tests_namespace(kubernetes: Kubernetes, namespace: str) -> None:
    manifest = pod("it", "docker.io/adit/pause:1", [])
    manifest["spec"]["securityContext"]["runAsNonRoot"] = False
    with pytest.raises(KubectlError, match="violates PodSecurity"):
        apply(kubernetes, namespace, manifest)


def test_a_service_is_found_by_its_name(kubernetes: Kubernetes, namespace: str, adit_images: dict[str, str]) -> None:
    server = pod("server", adit_images["jobrunner"], ["/opt/adit/bin/python", "-m", "http.server", "8000"])
    server["metadata"]["labels"] = {"app": "server"}
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "server"},
        "spec": {"selector": {"app": "server"}, "ports": [{"port": 80, "targetPort": 8000}]},
    }
    apply(kubernetes, namespace, server, service)
    code = f"""
import time, urllib.request
for _ in range(100):
    try:
        print(urllib.request.urlopen("http://server.{namespace}.svc.cluster.local/", timeout=2).status)
        break
    except OSError:
        time.sleep(0.2)
"""
    assert run(kubernetes, namespace, pod("client", adit_images["jobrunner"], [*PYTHON, code])) == "200\n"


def test_a_claim_keeps_a_file_from_one_pod_to_the_next(
    kubernetes: Kubernetes, namespace: str, adit_images: dict[str, str]
) -> None:
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "kept"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}},
    }
    volumes = [{"name": "kept", "persistentVolumeClaim": {"claimName": "kept"}}]
    apply(kubernetes, namespace, claim)
    image = adit_images["jobrunner"]
    write = pod("write", image, [*PYTHON, "open('/data/file', 'w').write('kept')"], volumes=volumes)
    read = pod("read", image, [*PYTHON, "print(open('/data/file').read())"], volumes=volumes)
    run(kubernetes, namespace, write)
    assert run(kubernetes, namespace, read) == "kept\n"


def test_a_pod_reaches_what_listens_on_this_machine(
    kubernetes: Kubernetes, namespace: str, adit_images: dict[str, str]
) -> None:
    if kubernetes.node is None:
        pytest.skip("only the local node shares this machine")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(connection.recv(100).upper())

        thread = threading.Thread(target=answer)
        thread.start()
        address = kubernetes.publish(port)
        try:
            code = f"""
import socket
with socket.create_connection(("{address}", {port}), timeout=10) as peer:
    peer.sendall(b"seen")
    print(peer.recv(100).decode())
"""
            printed = run(kubernetes, namespace, pod("it", adit_images["jobrunner"], [*PYTHON, code]))
            assert printed == "SEEN\n"
        finally:
            kubernetes.unpublish(port)
            thread.join(timeout=10)


def test_a_pod_reaches_nothing_else(kubernetes: Kubernetes, namespace: str, adit_images: dict[str, str]) -> None:
    """The node has no way out: not even to an address that could never answer."""
    if kubernetes.node is None:
        pytest.skip("only the local node has no way out")
    code = """
import socket
try:
    socket.create_connection(("192.0.2.1", 9), timeout=5)
except OSError as error:
    print(error.strerror)
"""
    printed = run(kubernetes, namespace, pod("it", adit_images["jobrunner"], [*PYTHON, code]))
    assert printed in {"Network is unreachable\n", "No route to host\n"}


def test_the_api_server_can_be_stopped_for_a_while(kubernetes: Kubernetes) -> None:
    if kubernetes.node is None:
        pytest.skip("only the local node's programs are ours to stop")
    process = kubernetes.program("kube-apiserver")
    os.kill(process, signal.SIGSTOP)
    try:
        with pytest.raises(KubectlError):
            kubernetes.kubectl("get", "--raw", "/readyz", "--request-timeout=1s")
    finally:
        os.kill(process, signal.SIGCONT)
    deadline = time.monotonic() + 30
    while True:
        try:
            assert kubernetes.kubectl("get", "--raw", "/readyz", "--request-timeout=2s") == "ok"
        except KubectlError:
            assert time.monotonic() < deadline
        else:
            break
