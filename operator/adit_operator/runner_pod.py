"""Where runners' pods run and what they may use: an operator's setting, for all jobs alike, never a job's own."""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, StringConstraints, field_validator

from adit.api.model import Model

Quantity = Annotated[str, StringConstraints(pattern=r"^[0-9]+(\.[0-9]+)?([EPTGMk]i?|m)?$", max_length=30)]
Name = Annotated[str, Field(max_length=253)]
MANY = 50


class Resources(Model):
    """As a container's resources."""

    requests: Annotated[dict[Name, Quantity], Field(max_length=MANY)] = Field(default_factory=dict)
    limits: Annotated[dict[Name, Quantity], Field(max_length=MANY)] = Field(default_factory=dict)

    @field_validator("requests", "limits", mode="before")
    @classmethod
    def _numbers_are_quantities(cls, value: object) -> object:
        """Kubernetes takes `cpu: 2` as well."""
        if not isinstance(value, dict):
            return value
        return {key: f"{one:g}" if type(one) in {int, float} else one for key, one in value.items()}


class Toleration(Model):
    """As a pod's toleration."""

    key: Name | None = None
    operator: Literal["Exists", "Equal"] | None = None
    value: Name | None = None
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None
    toleration_seconds: int | None = None


class Affinity(Model):
    """As a pod's affinity; what is in it is the API server's to check."""

    model_config = ConfigDict(extra="forbid")

    node_affinity: dict[str, Any] | None = None
    pod_affinity: dict[str, Any] | None = None
    pod_anti_affinity: dict[str, Any] | None = None


class RunnerPod(Model):
    """The part of a runner's pod that an installation chooses."""

    resources: Resources = Resources()
    node_selector: Annotated[dict[Name, Name], Field(max_length=MANY)] = Field(default_factory=dict)
    tolerations: Annotated[tuple[Toleration, ...], Field(max_length=MANY)] = ()
    affinity: Affinity | None = None
    priority_class_name: Name | None = None
    # where each runner answers Prometheus; 0 is nowhere
    metrics_port: Annotated[int, Field(ge=0, le=65_535)] = 0

    def of_pod(self) -> dict[str, Any]:
        """What stands in the pod's spec; what is not chosen is left out."""
        chosen = self.manifest()
        return {name: chosen[name] for name in _OF_POD if chosen.get(name)}

    def of_container(self) -> dict[str, Any]:
        """What stands in its container."""
        resources = {name: value for name, value in self.resources.manifest().items() if value}
        ports = [{"name": "metrics", "containerPort": self.metrics_port}] if self.metrics_port else []
        return {**({"resources": resources} if resources else {}), **({"ports": ports} if ports else {})}


_OF_POD = ("nodeSelector", "tolerations", "affinity", "priorityClassName")
EVERYWHERE = RunnerPod()
