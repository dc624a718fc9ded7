"""Speed and growth of the lease scheduler."""
