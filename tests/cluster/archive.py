"""Docker archives from folders: what `docker save` would write, so that any container runtime imports them."""

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass(frozen=True)
class Layer:
    """One layer's tar and the digest that names it."""

    tar: bytes

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.tar).hexdigest()


@dataclass(frozen=True)
class Image:
    """An image to be: its name with a tag, its layers from the bottom up, and what it runs."""

    name: str
    layers: Sequence[Layer]
    entrypoint: Sequence[str]
    architecture: str
    environment: Mapping[str, str] = field(default_factory=dict)
    user: str = ""
    folder: str = "/"

    def config(self) -> bytes:
        return json.dumps(
            {
                "architecture": self.architecture,
                "os": "linux",
                "config": {
                    "Entrypoint": list(self.entrypoint),
                    "Env": [f"{name}={value}" for name, value in self.environment.items()],
                    "User": self.user,
                    "WorkingDir": self.folder,
                },
                "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer.digest}" for layer in self.layers]},
            },
            sort_keys=True,
        ).encode()


def pack(folder: Path) -> Layer:
    """A folder as a layer, owned by root. Times are kept: Python compares them with those in its compiled files."""

    def plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
        member.uid = member.gid = 0
        member.uname = member.gname = ""
        member.mtime = int(member.mtime)
        return member

    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for path in sorted(folder.rglob("*")):
            tar.add(path, path.relative_to(folder).as_posix(), recursive=False, filter=plain)
    return Layer(buffer.getvalue())


def write(images: Sequence[Image], out: Path) -> None:
    """Write the images as one archive, each layer once, and put it in its place only when it is whole."""
    manifest: list[dict[str, object]] = []
    entries: dict[str, bytes] = {}
    for image in images:
        config = image.config()
        name = f"{hashlib.sha256(config).hexdigest()}.json"
        entries[name] = config
        layers = {f"{layer.digest}/layer.tar": layer.tar for layer in image.layers}
        entries |= layers
        manifest.append({"Config": name, "RepoTags": [image.name], "Layers": list(layers)})
    entries["manifest.json"] = json.dumps(manifest).encode()
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = out.with_suffix(".partial")
    with tarfile.open(partial, "w") as tar:
        for name, content in entries.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    partial.rename(out)
