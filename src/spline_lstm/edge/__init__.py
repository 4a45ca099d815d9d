"""Models for small devices: native ONNX, TFLite, C, smaller weights, and the gate that judges them."""
