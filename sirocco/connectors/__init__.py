"""Connectors: how Sirocco speaks to each kind of cloud, behind one contract."""
