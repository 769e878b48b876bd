"""Every layer's numbers, with the formulas that give them; the lesson's convolution; pooling examples."""
