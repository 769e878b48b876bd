"""What a run will take, before it starts: steps, memory, disk, time and input."""
