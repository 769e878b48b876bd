"""The subcommands of `python -m zoo`, a file each: `HELP`, `add_arguments(parser)` and `run(args)`,
which may return an exit status.

They import what they need in `run`, so that the help of one does not wait for the libraries of another.
"""
