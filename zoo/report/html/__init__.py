"""From the parts of the page to HTML."""
