"""The folders of files that can be made again: what is in them, and how they are emptied."""
