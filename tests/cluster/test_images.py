"""Containerfiles and archives: what is in an image, and what is told to which builder."""

import json
import os
import re
import tarfile
from pathlib import Path

import pytest

from tests.cluster import images, packed
from tests.cluster.archive import Image, pack, write
from tests.cluster.images import PROGRAMS, STAND_IN, Builder


def containerfile(project: Path, program: str) -> str:
    return (project / program / "Containerfile").read_text()


def test_every_program_with_a_main_module_has_a_containerfile(project: Path) -> None:
    programs = {path.parent.parent.name for path in project.glob("*/adit_*/__main__.py")} - {"cli"}
    described = {path.parent.name for path in project.glob("*/Containerfile")}
    assert programs <= described
    assert described == set(PROGRAMS)


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_containerfile_has_one_base_and_ends_as_a_user_without_rights(project: Path, program: str) -> None:
    text = containerfile(project, program)
    assert re.findall(r"^FROM (.*)$", text, flags=re.MULTILINE) == ["${BASE} AS build", "${BASE}"]
    last = text.rpartition("FROM ${BASE}")[2]
    assert "USER 10001:10001" in last
    assert "RUN" not in last
    assert f'ENTRYPOINT ["/opt/adit/bin/python", "-m", "adit_{program}"]' in last


@pytest.mark.parametrize("program", PROGRAMS)
def test_all_that_a_containerfile_installs_is_pinned(project: Path, program: str) -> None:
    installs = re.findall(r"install (.*?)(?: &&|\n[A-Z\n]|$)", containerfile(project, program).replace("\\\n", " "))
    assert len(installs) == 3
    assert all("--require-hashes" in options or "--no-index --no-deps" in options for options in installs)


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_packed_image_has_the_surroundings_of_a_built_one(project: Path, program: str) -> None:
    text = containerfile(project, program)
    [line] = re.findall(r"^ENV (.*)$", text, flags=re.MULTILINE)
    assert dict(setting.split("=", 1) for setting in line.split()) == packed.ENVIRONMENT
    assert f"USER {packed.USER}" in text


def test_the_same_files_make_the_same_layer_and_others_another(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("one")
    os.utime(tmp_path / "a", (1, 1))
    first = pack(tmp_path)
    assert pack(tmp_path).digest == first.digest
    (tmp_path / "a").write_text("two")
    assert pack(tmp_path).digest != first.digest


def test_an_archive_holds_a_shared_layer_once(tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "a").write_text("one")
    layer = pack(tmp_path / "files")
    write([Image(f"adit/{name}:1", [layer], ["/a"], "amd64", user="7") for name in "xy"], tmp_path / "out.tar")

    with tarfile.open(tmp_path / "out.tar") as tar:
        names = tar.getnames()
        file = tar.extractfile("manifest.json")
        assert file is not None
        manifest = json.load(file)
    assert [entry["RepoTags"] for entry in manifest] == [["adit/x:1"], ["adit/y:1"]]
    assert {layer for entry in manifest for layer in entry["Layers"]} == {f"{layer.digest}/layer.tar"}
    assert names.count(f"{layer.digest}/layer.tar") == 1


def test_what_packed_images_share_lies_in_layers_that_they_share(project: Path) -> None:
    """So that the node holds the libraries once."""
    groups = packed.by_users(PROGRAMS)
    for program in PROGRAMS:
        mine = [one for users, pins in groups.items() if program in users for one in pins]
        assert sorted(map(str, mine)) == sorted(
            map(str, set(packed.pinned(project / "requirements" / f"{program}.txt")))
        )
    assert len(groups[frozenset(PROGRAMS)]) > 8
    assert len(groups[frozenset({"operator", "jobrunner"})]) > 20


@pytest.mark.parametrize("name", images.BUILDERS)
def test_every_builder_is_told_the_containerfile_the_base_and_the_secrets(tmp_path: Path, name: str) -> None:
    command = Builder(name, name).build(Path("x/Containerfile"), "adit/x:1", "my/python:1", {"pip.conf": tmp_path})
    joined = " ".join(command)
    assert joined.startswith(name)
    assert "build" in command
    for part in (
        "--build-arg BASE=my/python:1",
        f"--secret id=pip.conf,src={tmp_path}",
        "-f x/Containerfile",
        "-t adit/x:1",
    ):
        assert part in joined


def test_a_stand_in_is_never_looked_for_in_a_registry() -> None:
    command = Builder("buildah", "buildah").build(Path("Containerfile"), "x", STAND_IN, {})
    assert "--pull=never" in command


def test_a_builder_that_does_not_answer_is_passed_over(tmp_path: Path) -> None:
    for name, code in (("docker", 1), ("podman", 0)):
        (tmp_path / name).write_text(f"#!/bin/sh\nexit {code}\n")
        (tmp_path / name).chmod(0o755)
    found = images.find_builder(path=str(tmp_path))
    assert found == Builder("podman", str(tmp_path / "podman"))


def test_pips_index_and_authority_go_into_a_build_and_its_folders_do_not(tmp_path: Path) -> None:
    settings = (
        "global.index-url='https://pypi.example/simple'\n:env:.cert='/etc/ssl/ca.pem'\n:env:.find-links='/opt/wheels'\n"
    )
    secrets = images.pip_secrets(settings, tmp_path)
    assert secrets == {"authority": Path("/etc/ssl/ca.pem"), "pip.conf": tmp_path / "pip.conf"}
    assert (tmp_path / "pip.conf").read_text().split("\n") == [
        "[global]",
        "index-url = https://pypi.example/simple",
        f"cert = {images.AUTHORITY}",
        "",
        "",
    ]


def test_a_pip_without_settings_needs_no_secret(tmp_path: Path) -> None:
    assert images.pip_secrets("", tmp_path) == {}
