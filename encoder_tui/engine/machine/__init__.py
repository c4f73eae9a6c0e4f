"""The machine: devices, memory, threads and load."""
