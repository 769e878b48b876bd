"""Where images come from: the embedded digits, folders, IDX files, TFDS."""
