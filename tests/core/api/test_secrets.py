"""Secrets in manifests: kept as the API server keeps them, labelled, never repeated in a message."""

import base64
from typing import Any

import pytest

from adit.api.manifests import Document, ManifestErrors, read

SECRET = """\
apiVersion: v1
kind: Secret
metadata:
  name: login
  labels: {adit.dev/purpose: credential}
stringData: {authorization: Basic abc}
"""


def problems(text: str) -> list[str]:
    with pytest.raises(ManifestErrors) as caught:
        read(text, "x.yaml")
    return caught.value.problems


def only(text: str) -> Document:
    (document,) = read(text, "x.yaml")
    return document


def secret_with(**replacements: str) -> str:
    text = SECRET
    for old, new in replacements.items():
        text = text.replace({"label": "adit.dev/purpose: credential", "data": SECRET.splitlines()[-1]}[old], new)
    return text


def test_a_secret_is_kept_as_the_api_server_keeps_it() -> None:
    text = secret_with(data="data: {a: eA==, b: eQ==}\nstringData: {b: plain}")
    manifest: dict[str, Any] = only(text).manifest
    assert manifest["data"] == {"a": "eA==", "b": base64.b64encode(b"plain").decode()}
    assert "stringData" not in manifest


BAD_SECRETS = [
    ({"data": "data: {a: plain text}"}, "data.a: not base64: put plain text under stringData (line 6)"),
    ({"data": "data: {a: abc}"}, "data.a: not base64: put plain text under stringData (line 6)"),
    ({"data": "stringData: {a: 0012}"}, "stringData.a: not a string: quote it (line 6)"),
    (
        {"data": "stringData: {../a: b}"},
        'stringData["../a"]: not a key of a Secret (letters, digits, -, _ and .) (line 6)',
    ),
    ({"data": "stringdata: {a: b}"}, 'stringdata: unknown field (did you mean "stringData"?) (line 6)'),
    (
        {"label": "adit.dev/purpose: fun"},
        'metadata.labels["adit.dev/purpose"]: must be credential or tasks or key or password (line 5)',
    ),
]


@pytest.mark.parametrize(("replacements", "sentence"), BAD_SECRETS, ids=str)
def test_a_bad_secret_is_refused(replacements: dict[str, str], sentence: str) -> None:
    assert problems(secret_with(**replacements)) == [f"x.yaml: Secret/login: {sentence}"]


def test_no_message_repeats_what_stands_in_a_secret() -> None:
    assert "hunter2" not in " ".join(problems(secret_with(data="data: {a: 'hunter2!'}")))


def test_a_secret_holds_at_most_a_mebibyte() -> None:
    assert problems(secret_with(data=f"stringData: {{a: '{'x' * 600_000}', b: '{'x' * 600_000}'}}")) == [
        "x.yaml: Secret/login: at most 1024 KiB of data in one Secret (line 1)"
    ]


def test_a_labelled_secret_needs_no_warning() -> None:
    assert only(SECRET).warnings == ()


def test_a_secret_without_its_label_is_warned_of_with_what_mends_it() -> None:
    (warning,) = only(secret_with(label="a: b")).warnings
    assert warning == (
        "x.yaml: Secret/login: metadata.labels: without the label adit.dev/purpose ADIT will not read this Secret: "
        'add "adit.dev/purpose: credential" (credential, tasks, key, password), or run: '
        "kubectl label secret -n default login adit.dev/purpose=credential (line 5)"
    )
