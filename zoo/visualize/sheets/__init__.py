"""Figures of what the methods give."""
