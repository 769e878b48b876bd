"""The methods: arrays in, arrays out."""
