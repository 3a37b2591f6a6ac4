"""Who may see a mapping table, and its rows where it lies: a cluster's Secrets, or the data folder."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from adit.api import labels
from adit.cluster.cluster import Cluster, Forbidden
from adit.cluster.connect import connect
from adit.cluster.embedded import EmbeddedCluster
from adit.errors import NotFound
from adit.pseudonymization.mapping import PURPOSE_MAPPING, MappingRow, merged, rows_of_secret
from adit_cli.session import Session

VERB = "read-mapping"
RESOURCE = "pseudonymizationprofiles"


@dataclass(frozen=True, slots=True)
class Table:
    """One mapping table: that of a profile, kept in the namespace of the runners."""

    profile: str
    namespace: str
    runner_namespace: str


class Authority(Protocol):
    """Says who asks, and whether they may."""

    async def who(self) -> str:
        """The name of the person, as the cluster knows it."""
        ...

    async def may_read(self, table: Table) -> bool:
        """Whether the person has the verb read-mapping on the table's profile."""
        ...


@dataclass(frozen=True, slots=True)
class OwnFolder:
    """The data folder of one user, who has every verb: who can open it can read it."""

    person: str

    async def who(self) -> str:
        return self.person

    async def may_read(self, table: Table) -> bool:
        del table
        return True


async def rows_of(cluster: Cluster, table: Table) -> tuple[MappingRow, ...]:
    """The rows of the table, of all jobs, each once. Raises Forbidden, NotFound, BadInput where one cannot be read."""
    selected = {labels.PURPOSE: PURPOSE_MAPPING, labels.OWNER_NAMESPACE: table.namespace}
    try:
        found = await cluster.list("Secret", namespace=table.runner_namespace, labels=selected)
    except Forbidden as error:
        raise Forbidden(
            f"your account may not list the Secrets of {table.runner_namespace}, where mapping tables are kept: "
            "have somebody export it who may, or ask for a Role there with the verb list on secrets "
            "(it opens credentials and keys as well: docs/mapping-tables.md)"
        ) from error
    rows = (row for secret in found.items for row in rows_of_secret(secret))
    table_rows = merged(row for row in rows if (row.namespace, row.profile) == (table.namespace, table.profile))
    if not table_rows:
        raise NotFound(
            f"there is no mapping table of PseudonymizationProfile {table.profile} of {table.namespace} in "
            f"{table.runner_namespace}: is that where the runners are (--runner-namespace), does the profile say "
            "mappingTable: true, and has a job run with it?"
        )
    return table_rows


def refusal(who: str, table: Table) -> Forbidden:
    """What a person without the verb is told."""
    return Forbidden(
        f"{who} lacks the verb {VERB} on PseudonymizationProfile {table.profile} in {table.namespace}: ask for a "
        f"RoleBinding there to the chart's ClusterRole …-profile-admin, or to a Role with verbs: [{VERB}], "
        f"apiGroups: [adit.dev], resources: [{RESOURCE}], resourceNames: [{table.profile}]"
    )


@asynccontextmanager
async def opened(session: Session, environ: Mapping[str, str]) -> AsyncIterator[tuple[Cluster, Authority]]:
    """The cluster that the environment names, and who says what may be read there."""
    if environ.get("ADIT_DATA"):
        async with session.cluster() as embedded:
            yield embedded, OwnFolder(session.person)
        return
    cluster, _ = connect(environ)
    async with cluster:
        assert not isinstance(cluster, EmbeddedCluster), "no data folder is named"
        from adit_cli.mapping_review import ReviewedAccess  # noqa: PLC0415 - needs the extra `cluster`

        yield cluster, ReviewedAccess(cluster.connection)
