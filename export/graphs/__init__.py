"""fp32 ONNX graphs of trained models; traced by PyTorch."""
