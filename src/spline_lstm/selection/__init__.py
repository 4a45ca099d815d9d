"""What `auto` decides."""
