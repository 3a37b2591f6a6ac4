"""Objects that are named by their content: made, or found to be there already."""

from adit.cluster.cluster import Cluster, Conflict, Manifest, ObjectNotFound
from adit.cluster.kinds import Ref


async def made_or_there(cluster: Cluster, manifest: Manifest) -> Manifest:
    """Make an object, or find who has its name. Raises Conflict where nobody has: while a quota is counted, say."""
    try:
        return await cluster.create(manifest)
    except Conflict as conflict:
        try:
            return await cluster.get(Ref.of(manifest))
        except ObjectNotFound:
            raise conflict from None
