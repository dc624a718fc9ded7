"""What every front door of the API shares: who asks, in which format, once or again, and how refusals look."""
