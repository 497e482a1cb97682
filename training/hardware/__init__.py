"""The machine: device, precision, threads, memory, and what a trial takes of them."""
