"""Images without a builder and a registry: the files that the Containerfiles bring, on this machine's Python.

The libraries are those of the environment that runs this, which pip has checked against the same hashes.
"""

import platform
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement

from tests.cluster.archive import ARCHITECTURES, Image, Layer, pack
from tests.cluster.places import HERE, PROJECT
from tests.cluster.progress import ClusterError

PYTHON = f"python{sys.version_info.major}.{sys.version_info.minor}"
SITE = Path("opt/adit/lib") / PYTHON / "site-packages"
# As in the Containerfiles; a test compares them.
ENVIRONMENT = {
    "PATH": "/opt/adit/bin:/usr/local/bin:/usr/bin:/bin",
    "HOME": "/tmp",
    "PYTHONUNBUFFERED": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
}
USER = "10001:10001"


def architecture() -> str:
    return ARCHITECTURES[platform.machine()]


def pinned(requirements: Path) -> Iterator[Requirement]:
    """The pins of a requirement file that apply to this Python."""
    for line in requirements.read_text().splitlines():
        if not line.startswith(" "):
            requirement = Requirement(re.sub(r"\s*\\$", "", line))
            if requirement.marker is None or requirement.marker.evaluate():
                yield requirement


def base() -> Layer:
    """This machine's Python with nothing installed."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([HERE / "host_python.sh", folder, sys.base_prefix, PYTHON], check=True)
        return pack(Path(folder))


def environment(requirements: Iterable[Requirement]) -> Layer:
    """An environment at /opt/adit with these distributions, copied from the one that runs this."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "opt" / "adit"
        (home / "bin").mkdir(parents=True)
        (home / "bin" / "python").symlink_to(f"/usr/local/bin/{PYTHON}")
        (home / "pyvenv.cfg").write_text("home = /usr/local/bin\ninclude-system-site-packages = false\n")
        for requirement in requirements:
            copy_distribution(requirement, Path(folder) / SITE)
        return pack(Path(folder))


def copy_distribution(requirement: Requirement, site: Path) -> None:
    try:
        installed = distribution(requirement.name)
    except PackageNotFoundError:
        installed = None
    if installed is None or installed.version not in requirement.specifier:
        raise ClusterError(f"{requirement.name} is not installed as pinned ({requirement}). Run: make dev")
    for file in installed.files or ():
        if ".." not in file.parts:  # scripts beside the libraries: images start modules
            target = site / file
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(file.locate(), target)


def project() -> Layer:
    """This project, from the wheel that a user would install."""
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as wheels:
        command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", wheels]
        subprocess.run(command, cwd=PROJECT, check=True, capture_output=True)
        [wheel] = Path(wheels).glob("*.whl")
        site = Path(folder) / SITE
        zipfile.ZipFile(wheel).extractall(site)
        compiling = [sys.executable, "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", str(site)]
        subprocess.run(compiling, check=True)
        return pack(Path(folder))


def images(names: Mapping[str, str]) -> list[Image]:
    """The image of each program under its name. What several of them need is one layer, kept once."""
    python, ours = base(), project()
    layers = {users: environment(sorted(shared, key=str)) for users, shared in by_users(names).items()}
    return [
        Image(
            name=name,
            layers=[python, *(layer for users, layer in layers.items() if program in users), ours],
            entrypoint=["/opt/adit/bin/python", "-m", f"adit_{program}"],
            architecture=architecture(),
            environment=ENVIRONMENT,
            user=USER,
            folder="/tmp",
        )
        for program, name in names.items()
    ]


def by_users(programs: Iterable[str]) -> Mapping[frozenset[str], set[Requirement]]:
    """The pins by who needs them, what most of them need first."""
    pins = {program: set(pinned(PROJECT / "requirements" / f"{program}.txt")) for program in programs}
    found: dict[frozenset[str], set[Requirement]] = {}
    for one in set().union(*pins.values()):
        found.setdefault(frozenset(program for program in pins if one in pins[program]), set()).add(one)
    return dict(sorted(found.items(), key=lambda entry: (-len(entry[0]), sorted(entry[0]))))


def base_image(name: str) -> Image:
    """A stand-in for the official Python image, with pip, for trying Containerfiles where there is no registry."""
    with tempfile.TemporaryDirectory() as folder:
        site = Path(folder) / "usr/local/lib" / PYTHON / "site-packages"
        [wheel] = (Path(sys.base_prefix) / "lib" / PYTHON / "ensurepip" / "_bundled").glob("pip-*.whl")
        zipfile.ZipFile(wheel).extractall(site)
        pip = pack(Path(folder))
    path = {"PATH": "/usr/local/bin:/usr/bin:/bin"}
    return Image(name, [base(), pip], ["/usr/local/bin/python3"], architecture(), path)
