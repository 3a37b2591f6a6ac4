"""Whether a person may see a mapping table, as the API server says (SelfSubjectAccessReview)."""

from adit.cluster.kubernetes.connection import Connection
from adit.diagnosis.api_server import ApiServer, Right
from adit_cli.mapping_access import RESOURCE, VERB, Table


class ReviewedAccess:
    """Asks in the name of the account of the connection."""

    def __init__(self, connection: Connection) -> None:
        self._server = ApiServer(connection)

    async def who(self) -> str:
        """The name of the account."""
        return await self._server.who()

    async def may_read(self, table: Table) -> bool:
        """Whether it has the verb on this profile."""
        right = Right(VERB, "adit.dev", RESOURCE, table.namespace, table.profile)
        return (await self._server.allowed((right,)))[right]
