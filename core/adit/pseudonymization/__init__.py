"""What is done to a header before it may leave: profile, project key, and the rewriter that applies them.

The rewriter is imported by name, where a header is rewritten: the operator works without dicognito.
"""

from adit.pseudonymization.key import ProjectKey
from adit.pseudonymization.profile import ADIT_COMPATIBLE, BUILT_IN, Profile

__all__ = ["ADIT_COMPATIBLE", "BUILT_IN", "Profile", "ProjectKey"]
