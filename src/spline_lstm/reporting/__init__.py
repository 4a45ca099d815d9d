"""Every text and picture that people read."""
