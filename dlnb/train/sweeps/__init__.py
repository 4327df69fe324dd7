"""Searching settings: one run after the other, or many settings at once in one stacked model."""
