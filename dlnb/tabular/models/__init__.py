"""Models for tables and series. Each is an ordinary `nn.Module` and fits on one screen."""

from .forecasters import GRUForecaster, TemporalCNN
from .tablenet import TableNet

__all__ = ["GRUForecaster", "TableNet", "TemporalCNN"]
