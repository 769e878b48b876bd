"""The error of the data package."""

from zoo.errors import ZooError


class DataError(ZooError):
    """A data set or an image that cannot be used: what was wrong and what to do, in one line."""
