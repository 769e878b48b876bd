"""Templates, number formats and embedded images: how the page becomes HTML."""
