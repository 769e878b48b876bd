"""What programs of the zoo need of the machine: compiler options, caches, files, devices, the console."""
