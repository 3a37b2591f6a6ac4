"""The clinical trial that data is marked with; jobs and profiles name it alike."""

from adit.api.fields import Text
from adit.api.model import Model


class Trial(Model):
    """The clinical trial that the data goes to (PS3.3 C.7.1.3): ClinicalTrialProtocolID and -Name."""

    id: Text | None = None
    """ClinicalTrialProtocolID (0012,0020)."""
    name: Text | None = None
    """ClinicalTrialProtocolName (0012,0021)."""
