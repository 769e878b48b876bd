"""Visualization methods: functions of a model, its variables and arrays, which return arrays."""
