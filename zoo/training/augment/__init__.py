"""Random augmentation of training images, compiled with the training step."""
