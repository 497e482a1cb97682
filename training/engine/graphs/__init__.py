"""Steps of fixed shapes, which a GPU can take as one CUDA graph: their shapes, when it pays, and who replays them."""
