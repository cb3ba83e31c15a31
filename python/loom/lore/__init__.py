"""Reports of what ran where and when, from the traces that servers write."""
