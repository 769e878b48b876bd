"""The machine: compiler options, memory, caches, files, devices, the console."""
