"""Predicting: tables and series."""
