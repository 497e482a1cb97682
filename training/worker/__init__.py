"""What a launcher runs: trials from a source, each in this process or in several of its own."""
