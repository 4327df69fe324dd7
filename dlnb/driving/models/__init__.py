"""Models that drive. Each is an ordinary `nn.Module` and fits on one screen."""

from .policy import Policy
from .q_network import QNetwork
from .range_view import RangeView

__all__ = ["Policy", "QNetwork", "RangeView"]
