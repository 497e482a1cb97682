"""Several adapters over one ONNX base, switched by request and checked beside peft."""
