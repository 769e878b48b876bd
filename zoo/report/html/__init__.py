"""How the page becomes HTML: templates, what they need of each layer, provenance."""
