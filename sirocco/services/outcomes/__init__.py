"""What the end of each workflow means for the resources it held."""
