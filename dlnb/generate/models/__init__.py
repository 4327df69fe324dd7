"""Models that make pictures, music and films."""
