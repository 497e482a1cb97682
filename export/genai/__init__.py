"""Folders for onnxruntime-genai: built, checked beside PyTorch, written as bundles."""
