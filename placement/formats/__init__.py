"""Reading and writing instances and plans: the JSON of BtrPlace and a compact one of our own."""
