"""Pretrained backbones and frozen parts."""
