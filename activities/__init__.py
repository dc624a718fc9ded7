"""The steps that workflows call: cloud calls, records, placement."""
