"""Predicting: tables and series, models that read them, and tasks."""

from .models import GRUForecaster, TableNet, TemporalCNN
from .tasks import breast_cancer, diabetes, electricity, from_table

__all__ = ["GRUForecaster", "TableNet", "TemporalCNN", "breast_cancer", "diabetes", "electricity", "from_table"]
