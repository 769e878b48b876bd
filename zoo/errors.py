"""The one exception that a command line turns into one clear line."""


class ZooError(ValueError):
    """Bad input: what was wrong and what to do about it, in one line."""
