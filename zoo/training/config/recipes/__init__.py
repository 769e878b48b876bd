"""The recipes: one file per kind of data, and one for those that have a name; each with its source."""
