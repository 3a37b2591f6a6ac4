"""Where a program finds its API server and its rights: the pod's service account, or a kubeconfig."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import yaml
from kubernetes.aio.client import Configuration
from kubernetes.aio.config import ConfigException, load_kube_config
from kubernetes.aio.config.incluster_config import InClusterConfigLoader

from adit.errors import BadInput

SERVICE_HOST_ENV = "KUBERNETES_SERVICE_HOST"
SERVICE_PORT_ENV = "KUBERNETES_SERVICE_PORT"
KUBECONFIG_ENV = "KUBECONFIG"
SERVICE_ACCOUNT_FOLDER = Path("/var/run/secrets/kubernetes.io/serviceaccount")


class Credentials(Protocol):
    """Something that fills a client's configuration, again when the server no longer accepts what it has."""

    async def fill(self, configuration: Configuration) -> None:
        """Set host, certificates and token. Raises BadInput, which names what to set."""
        ...


@dataclass(frozen=True, slots=True)
class ServiceAccount:
    """A pod's own account; the token is read again every minute, since the kubelet replaces it."""

    host: str
    port: str
    folder: Path = SERVICE_ACCOUNT_FOLDER

    async def fill(self, configuration: Configuration) -> None:
        environ = {SERVICE_HOST_ENV: self.host, SERVICE_PORT_ENV: self.port}
        token, certificate = str(self.folder / "token"), str(self.folder / "ca.crt")
        try:
            loader = InClusterConfigLoader(token, certificate, environ=environ)  # type: ignore[no-untyped-call]  # the client types this not
            loader.load_and_set(configuration)  # type: ignore[no-untyped-call]  # the client types this not
        except (ConfigException, OSError) as error:
            raise BadInput(f"the service account below {self.folder} cannot be used: {error}") from error


@dataclass(frozen=True, slots=True)
class KubeConfig:
    """One or more kubeconfig files, as the variable KUBECONFIG names them; the current context holds."""

    paths: str

    async def fill(self, configuration: Configuration) -> None:
        if not self._exists():
            raise BadInput(f"{KUBECONFIG_ENV}: no file {self.paths}: is the cluster up, and the path right?")
        try:
            await load_kube_config(  # type: ignore[no-untyped-call]  # the client types this not
                self.paths, client_configuration=configuration, persist_config=False
            )
        except (ConfigException, OSError, ValueError, TypeError, yaml.YAMLError) as error:
            raise BadInput(f"{KUBECONFIG_ENV}: {self.paths} cannot be read: {str(error)[:300]}") from error

    def _exists(self) -> bool:
        return any(path and Path(path).expanduser().is_file() for path in self.paths.split(":"))


def credentials_of(environ: Mapping[str, str]) -> Credentials | None:
    """What the environment names. KUBECONFIG wins, since a pod has the other in any case."""
    if environ.get(KUBECONFIG_ENV):
        return KubeConfig(environ[KUBECONFIG_ENV])
    if environ.get(SERVICE_HOST_ENV):
        return ServiceAccount(environ[SERVICE_HOST_ENV], environ.get(SERVICE_PORT_ENV) or "443")
    return None
