"""The health of a training: rules that say in plain words what is wrong, show why, and know a remedy."""

from .finding import Finding, Remedy
from .health import Health
from .trial import Trial

__all__ = ["Finding", "Health", "Remedy", "Trial"]
