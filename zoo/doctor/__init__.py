"""What `zoo doctor` looks at: packages, devices, variables, caches, the machine and the network."""
