"""The commands of `zoo`, one file each.

A command has `HELP`, `add_arguments(parser)` and `run(args)`, which returns an exit status, or None for 0. It imports
what it needs in `run`, so that the help of one command does not wait for the libraries of another. What several
commands share is in `arguments/`.
"""
