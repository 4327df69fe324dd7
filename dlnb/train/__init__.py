"""Training: the run, its controls and what it remembers. Knows tasks, but no area and no widget."""
