"""What tests of exercises ask of the learner's progress."""

from dlnb.course.progress import Progress


def tries(number: str) -> int:
    """How many answers were counted."""
    kept = Progress().exercises().get(number)
    return kept.tries if kept else 0
