"""Hearing: voices, features, models that listen, and tasks."""
