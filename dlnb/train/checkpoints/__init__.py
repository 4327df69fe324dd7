"""A run in a file: checkpoints, autosave, and what a killed kernel left behind."""
