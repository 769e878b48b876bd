"""Visualize what a network has learned: methods that return NumPy arrays, for any Linen module.

Every function takes a model, its variables and normalised images [batch, height, width, channel]. Layers are named by
their module's path, such as "inception_3a/3x3" (`methods.named_layers`). Some methods replace the gradient of the
activations by another rule (`methods.backward_rules`).
"""

from zoo.visualize.methods.backward_rules import Rule
from zoo.visualize.methods.deconvnet import Projection, deconvnet, project
from zoo.visualize.methods.feature_maps import activations, filters
from zoo.visualize.methods.grad_cam import grad_cam
from zoo.visualize.methods.gradients import integrated_gradients, saliency, smoothgrad
from zoo.visualize.methods.maximize import Maximized, maximize
from zoo.visualize.methods.named_layers import LOGITS, layer_shapes
from zoo.visualize.methods.occlusion import Occlusion, occlusion
from zoo.visualize.methods.randomize import randomize_weights
from zoo.visualize.methods.receptive_boxes import patch, receptive_boxes
from zoo.visualize.methods.top_activations import TopActivations, top_activations

__all__ = [
    "LOGITS",
    "Maximized",
    "Occlusion",
    "Projection",
    "Rule",
    "TopActivations",
    "activations",
    "deconvnet",
    "filters",
    "grad_cam",
    "integrated_gradients",
    "layer_shapes",
    "maximize",
    "occlusion",
    "patch",
    "project",
    "randomize_weights",
    "receptive_boxes",
    "saliency",
    "smoothgrad",
    "top_activations",
]
