"""The images of the programs: built by what container builder there is, or packed on this machine's own Python."""

import configparser
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.cluster import packed
from tests.cluster.archive import Image, pack, write
from tests.cluster.places import HERE, PROJECT, cache, digest, locked
from tests.cluster.progress import ClusterError, reported, run_reported

PROGRAMS = ("operator", "jobrunner", "receiver")
BUILDERS = ("docker", "podman", "buildah")
STAND_IN = "localhost/adit-base:host"
AUTHORITY = "/run/secrets/authority"
# Of pip's settings, those that mean the same inside a build.
CARRIED = ("index-url", "extra-index-url", "trusted-host", "proxy", "timeout", "retries")


def name_of(program: str, tag: str = "dev") -> str:
    return f"docker.io/adit/{program}:{tag}"


def sources() -> list[Path]:
    """Every file that the images are made from."""
    fixed = [PROJECT / name for name in ("pyproject.toml", "README.md", "LICENSE")]
    requirements = sorted((PROJECT / "requirements").glob("*.txt"))
    code = sorted(
        path
        for root in ("core", "operator", "jobrunner", "receiver", "cli")
        for path in (PROJECT / root).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    )
    return [*fixed, *requirements, *code, HERE / "host_python.sh", HERE / "packed.py", HERE / "archive.py"]


def packed_archive() -> Path:
    """One archive with the image of every program, packed anew when anything in it changed (about 5 s)."""
    folder = cache() / "images"
    with locked(folder / "lock"):
        out = folder / f"packed-{digest(sources(), sys.version, platform.machine())}.tar"
        if not out.exists():
            for old in folder.glob("packed-*.tar"):
                old.unlink()
            with reported("Packing the images"):
                write(packed.images({program: name_of(program) for program in PROGRAMS}), out)
        return out


def pause_archive(programs: Path) -> Path:
    """The image that holds a pod's namespaces open, beside the programs that it was built with."""
    out = programs / "pause.tar"
    if not out.exists():
        with tempfile.TemporaryDirectory() as folder:
            shutil.copy(programs / "pause", folder)
            write([Image("docker.io/adit/pause:1", [pack(Path(folder))], ["/pause"], packed.architecture())], out)
    return out


@dataclass(frozen=True)
class Builder:
    """A program that builds Containerfiles; buildah gets a store of its own."""

    name: str
    program: str

    @property
    def command(self) -> list[str]:
        if self.name != "buildah":
            return [self.program]
        store = cache() / "buildah"
        return [self.program, "--root", str(store), "--runroot", str(store / "run")]

    def build(self, containerfile: Path, name: str, base: str | None, secrets: Mapping[str, Path]) -> list[str]:
        arguments = ["--isolation", "chroot"] if self.name == "buildah" else []
        if base is not None:
            arguments += ["--build-arg", f"BASE={base}"]
        if base == STAND_IN and self.name != "docker":  # which asks for no registry where it has the image
            arguments += ["--pull=never"]
        for identity, path in secrets.items():
            arguments += ["--secret", f"id={identity},src={path}"]
        return [*self.command, "build", *arguments, "-f", str(containerfile), "-t", name, str(PROJECT)]

    def load(self, archive: Path) -> list[str]:
        if self.name == "buildah":
            return [*self.command, "pull", "--quiet", f"docker-archive:{archive}"]
        return [*self.command, "load", "--input", str(archive)]

    def save(self, name: str, out: Path) -> list[str]:
        match self.name:
            case "buildah":
                return [*self.command, "push", "--quiet", name, f"docker-archive:{out}:{name}"]
            case "podman":
                return [*self.command, "save", "--format", "docker-archive", "--output", str(out), name]
            case _:
                return [*self.command, "save", "--output", str(out), name]

    def tidy(self) -> list[str]:
        """What removes images that lost their name to a newer one; only from the store that is ours alone."""
        return [*self.command, "rmi", "--prune"] if self.name == "buildah" else ["true"]


def find_builder(path: str | None = None) -> Builder | None:
    """The first on the search path that answers: a docker without its daemon does not."""
    for name in BUILDERS:
        program = shutil.which(name, path=path)
        if program and subprocess.run([program, "info"], capture_output=True, check=False).returncode == 0:
            return Builder(name, program)
    return None


def pip_secrets(settings: str, folder: Path) -> dict[str, Path]:
    """What a build needs of this machine's pip settings, from `pip config list`: an index, a proxy, an authority."""
    told = {}
    for line in settings.splitlines():
        key, _, value = line.partition("=")
        told[key.rpartition(".")[2]] = value.strip("'\"")
    config = configparser.ConfigParser(interpolation=None)
    config["global"] = {key: told[key] for key in CARRIED if key in told}
    secrets = {}
    if "cert" in told:
        config["global"]["cert"] = AUTHORITY
        secrets["authority"] = Path(told["cert"])
    if config["global"]:
        with (folder / "pip.conf").open("w") as file:
            config.write(file)
        secrets["pip.conf"] = folder / "pip.conf"
    return secrets


def build(program: str, builder: Builder, base: str | None, out: Path | None, tag: str = "dev") -> str:
    """Build a program's Containerfile, save it to `out` if asked, and return the image's name."""
    name = name_of(program, tag)
    with tempfile.TemporaryDirectory() as folder, reported(f"Building {name} with {builder.name}") as doing:
        listed = subprocess.run(
            [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True
        ).stdout
        commands = [builder.build(PROJECT / program / "Containerfile", name, base, pip_secrets(listed, Path(folder)))]
        if base == STAND_IN:
            stand_in = Path(folder) / "base.tar"
            write([packed.base_image(STAND_IN)], stand_in)
            commands.insert(0, builder.load(stand_in))
        if out is not None:
            out.parent.mkdir(parents=True, exist_ok=True)
            out.unlink(missing_ok=True)
            commands.append(builder.save(name, out))
        commands.append(builder.tidy())
        for command in commands:
            run_reported(command, doing, lambda _, line: line[:70], os.environ)
    return name


def require_builder() -> Builder:
    found = find_builder()
    if found is None:
        raise ClusterError(
            f"None of {', '.join(BUILDERS)} is installed and answers. On Debian: sudo apt-get install buildah"
        )
    return found
