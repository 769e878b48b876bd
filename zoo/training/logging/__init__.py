"""What a run says about itself: progress, metrics, curves, TensorBoard, profiles."""
