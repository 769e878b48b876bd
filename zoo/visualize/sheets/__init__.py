"""Sheets: figures of the methods' results, with matplotlib."""
