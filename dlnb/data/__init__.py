"""Data: named real sets with checksums, and batches that can be drawn again."""
