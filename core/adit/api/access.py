"""The owner's grant on a server or folder: which namespaces may use it, in which role (the first fence)."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from adit.api.fields import Namespace
from adit.api.model import Model

Role = Literal["Source", "Destination"]


class ConsumerNamespaces(Model):
    """Which namespaces a grant speaks of; `from: Names` lists them."""

    origin: Annotated[Literal["Same", "All", "Names"], Field(alias="from")] = "Same"
    names: Annotated[tuple[Namespace, ...], Field(max_length=100)] = ()

    @model_validator(mode="after")
    def _names_only_with_names(self) -> "ConsumerNamespaces":
        if (self.origin == "Names") != bool(self.names):
            raise ValueError("names must be given exactly when from is Names")
        return self


class Consumer(Model):
    """One grant."""

    namespaces: ConsumerNamespaces = ConsumerNamespaces()
    roles: Annotated[tuple[Role, ...], Field(min_length=1, max_length=2)] = ("Source", "Destination")
    require_pseudonymization: bool = False
