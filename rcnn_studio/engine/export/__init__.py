"""A trained detector as one file that other programs run: ONNX or TorchScript. Trains nothing, scores nothing."""
