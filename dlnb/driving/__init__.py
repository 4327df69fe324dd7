"""Driving: worlds, perception, decisions."""
