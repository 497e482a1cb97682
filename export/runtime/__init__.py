"""Bundles that answer: onnxruntime and tokenizers alone, no PyTorch or transformers."""
