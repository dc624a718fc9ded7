"""Schema migrations; `sirocco.cmdb.migrate` runs them."""
