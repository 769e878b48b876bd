"""Progress, metrics, curves, TensorBoard events and profiles of a run."""
