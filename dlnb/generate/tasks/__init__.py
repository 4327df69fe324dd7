"""Tasks of making."""
