"""Random changes of training images, compiled with the step."""
