"""Tasks that predict."""

from .series import electricity
from .tables import breast_cancer, diabetes, from_table

__all__ = ["breast_cancer", "diabetes", "electricity", "from_table"]
