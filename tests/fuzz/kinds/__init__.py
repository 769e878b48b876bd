"""The kinds of hostile and broken inputs. Each file has `cases`, which yields those of one kind.

A case that lets a file run code would write `CANARY` beside its folder.
"""
