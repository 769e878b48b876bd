"""What the weights have learned: first filters, predictions, feature maps, projections, dead units."""
