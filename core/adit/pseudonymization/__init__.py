"""What is done to a header before it may leave: profile, project key, and the rewriter that applies them."""

from adit.pseudonymization.key import ProjectKey
from adit.pseudonymization.profile import ADIT_COMPATIBLE, BUILT_IN, Profile
from adit.pseudonymization.pseudonymizer import Pseudonymizer, TrialMarker

__all__ = ["ADIT_COMPATIBLE", "BUILT_IN", "Profile", "ProjectKey", "Pseudonymizer", "TrialMarker"]
