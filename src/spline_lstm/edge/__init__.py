"""Models for small devices: native ONNX, TFLite, smaller weights, and the gate that judges them."""
