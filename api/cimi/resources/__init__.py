"""Every kind of resource bound to the services that carry it, one file per aggregate."""
