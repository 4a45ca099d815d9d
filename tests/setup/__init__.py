"""What `.ci/run` checks of the set-up itself; needs nothing but Python."""
