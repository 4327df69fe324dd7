"""What a model gets wrong: its answers on a split, read off, counted and explained."""
