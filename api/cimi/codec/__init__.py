"""Documents as JSON and XML, read and written by the resource model."""
