"""What each verb sends, and how answers, silence and nonsense are taken."""

import time

import pytest

from adit.cluster.cluster import ClusterUnavailable, Conflict, Expired, Forbidden, Invalid, ObjectNotFound
from adit.cluster.kinds import Ref
from adit.cluster.kubernetes import KubernetesCluster
from adit.cluster.kubernetes.answers import Throttled
from adit.cluster.kubernetes.connection import Call, Connection, TooLarge
from adit.errors import BadInput
from adit.testing.cluster import config_map_manifest, secret_manifest
from tests.core.cluster.kubernetes.api_server import ApiServer, Scripted, answer, status

REF = Ref("TransferJob", "tenant", "night")
PATH = "/apis/adit.dev/v1alpha1/namespaces/tenant/transferjobs/night"
MADE = {"metadata": {"uid": "u", "resourceVersion": "7"}}


async def test_a_first_apply_is_answered_with_the_object(server: ApiServer, cluster: KubernetesCluster) -> None:
    server.will(answer(MADE, 201))
    assert await cluster.apply(config_map_manifest(), field_manager="one") == MADE


async def test_an_apply_names_its_manager_and_its_patch_type(server: ApiServer, cluster: KubernetesCluster) -> None:
    server.will(answer(MADE), answer(MADE))
    await cluster.apply(config_map_manifest(), field_manager="one")
    await cluster.apply(config_map_manifest(), field_manager="one", force=False)
    first, second = server.asked
    assert (first.method, first.path) == ("PATCH", "/api/v1/namespaces/default/configmaps/settings")
    assert first.header("Content-Type") == ["application/apply-patch+yaml"]
    assert first.query == {"fieldManager": "one", "fieldValidation": "Strict", "force": "true"}
    assert second.query["force"] == "false"
    assert first.body["metadata"]["namespace"] == "default"


async def test_an_applied_secret_owns_its_data(server: ApiServer, cluster: KubernetesCluster) -> None:
    server.will(answer(MADE))
    await cluster.apply(secret_manifest("token", {"a": "1"}), field_manager="one")
    assert server.asked[0].body["data"] == {"a": "MQ=="}
    assert "stringData" not in server.asked[0].body


async def test_a_patch_is_a_merge_patch_guarded_by_version(server: ApiServer, cluster: KubernetesCluster) -> None:
    server.will(answer(MADE))
    await cluster.patch(REF, {"spec": {"suspend": True}, "metadata": {"labels": {"a": None}}}, resource_version="3")
    asked = server.asked[0]
    assert (asked.method, asked.path) == ("PATCH", PATH)
    assert asked.header("Content-Type") == ["application/merge-patch+json"]
    assert asked.body == {"spec": {"suspend": True}, "metadata": {"labels": {"a": None}, "resourceVersion": "3"}}


async def test_a_patch_of_status_goes_to_the_subresource(server: ApiServer, cluster: KubernetesCluster) -> None:
    server.will(answer(MADE))
    await cluster.patch_status(REF, {"phase": "Pending"}, resource_version="3")
    assert server.asked[0].path == f"{PATH}/status"
    assert server.asked[0].body == {"status": {"phase": "Pending"}, "metadata": {"resourceVersion": "3"}}


async def test_a_delete_goes_to_the_background_and_names_its_uid(server: ApiServer, cluster: KubernetesCluster) -> None:
    server.will(answer(status(200)))
    await cluster.delete(REF, uid="u")
    assert (server.asked[0].method, server.asked[0].path) == ("DELETE", PATH)
    assert server.asked[0].body["propagationPolicy"] == "Background"
    assert server.asked[0].body["preconditions"] == {"uid": "u"}


async def test_deleting_what_is_gone_is_no_error(server: ApiServer, cluster: KubernetesCluster) -> None:
    server.will(answer(status(404, reason="NotFound"), 404))
    await cluster.delete(REF)


async def test_nulls_are_not_sent_in_a_new_object(server: ApiServer, cluster: KubernetesCluster) -> None:
    server.will(answer(MADE, 201))
    await cluster.create({**config_map_manifest(), "immutable": None})
    assert "immutable" not in server.asked[0].body


@pytest.mark.parametrize(
    ("code", "error"), [(404, ObjectNotFound), (409, Conflict), (410, Expired), (422, Invalid), (403, Forbidden)]
)
async def test_a_refusal_is_raised_as_ours(
    server: ApiServer, cluster: KubernetesCluster, code: int, error: type[Exception]
) -> None:
    server.will(answer(status(code), code))
    with pytest.raises(error, match="TransferJob/tenant/night"):
        await cluster.get(REF)
    assert len(server.asked) == 1


async def test_a_throttled_request_is_sent_again(server: ApiServer, cluster: KubernetesCluster) -> None:
    server.will(answer(status(429), 429, Retry_After="0"), answer(MADE))
    assert await cluster.get(REF) == MADE


async def test_a_request_that_stays_throttled_says_for_how_long(server: ApiServer, cluster: KubernetesCluster) -> None:
    server.will(*[answer(status(429), 429, Retry_After="0")] * 3)
    with pytest.raises(Throttled):
        await cluster.get(REF)
    assert len(server.asked) == 3


async def test_a_long_wait_is_left_to_the_caller(server: ApiServer, cluster: KubernetesCluster) -> None:
    server.will(answer(status(429), 429, Retry_After="60"))
    with pytest.raises(Throttled) as caught:
        await cluster.get(REF)
    assert caught.value.retry_after == 60.0
    assert len(server.asked) == 1


async def test_a_write_that_failed_in_the_server_is_not_sent_twice(
    server: ApiServer, cluster: KubernetesCluster
) -> None:
    server.will(answer(status(500), 500))
    with pytest.raises(ClusterUnavailable):
        await cluster.create(config_map_manifest())
    assert len(server.asked) == 1


async def test_a_token_that_ran_out_is_fetched_anew_once(server: ApiServer, cluster: KubernetesCluster) -> None:
    server.tokens = ["old", "new"]
    server.will(answer(status(401), 401), answer(MADE))
    assert await cluster.get(REF) == MADE
    assert [asked.header("Authorization") for asked in server.asked] == [["Bearer old"], ["Bearer new"]]


async def test_credentials_that_stay_refused_are_forbidden(server: ApiServer, cluster: KubernetesCluster) -> None:
    server.will(*[answer(status(401), 401)] * 2)
    with pytest.raises(Forbidden, match="credentials"):
        await cluster.get(REF)
    assert len(server.asked) == 2


async def test_a_silent_server_is_left_after_its_time(server: ApiServer, connection: Connection) -> None:
    server.will(Scripted(chunks=(b"{",), hangs=True))
    began = time.monotonic()
    with pytest.raises(ClusterUnavailable, match="too long"):
        await connection.call(Call("GET", "/x", "x", seconds=0.2))
    assert time.monotonic() - began < 5


async def test_an_answer_has_its_limit(server: ApiServer, connection: Connection) -> None:
    server.will(Scripted(body=b"[" + b" " * 1000 + b"]"))
    with pytest.raises(TooLarge, match="100 bytes"):
        await connection.call(Call("GET", "/x", "x", max_bytes=100))


@pytest.mark.parametrize("body", [b"<html>sign in</html>", b"[]", b"", b"\xff"])
async def test_what_is_no_object_comes_from_no_api_server(
    server: ApiServer, connection: Connection, body: bytes
) -> None:
    server.will(Scripted(body=body))
    with pytest.raises(ClusterUnavailable, match="is this address an API server"):
        await connection.call(Call("GET", "/x", "x"))


async def test_nobody_at_the_address_is_unavailable() -> None:
    nobody = ApiServer()
    nobody.host = "http://127.0.0.1:1"
    async with KubernetesCluster.open(nobody) as cluster:
        with pytest.raises(ClusterUnavailable, match="cannot be reached"):
            await cluster.get(REF)


async def test_a_closed_cluster_answers_nothing(server: ApiServer) -> None:
    cluster = KubernetesCluster.open(server)
    await cluster.close()
    with pytest.raises(ClusterUnavailable, match="closed"):
        await cluster.get(REF)


@pytest.mark.parametrize(
    "manifest", [{}, {"kind": "Job"}, {"kind": "Job", "metadata": {}}, {"kind": "Job", "metadata": 3}]
)
async def test_a_manifest_without_a_name_is_bad_input(cluster: KubernetesCluster, manifest: dict[str, object]) -> None:
    with pytest.raises(BadInput):
        await cluster.create(manifest)
