"""Networks that are not zoo's: found by name, and brought to the contract of zoo's networks."""
