"""SDK and command line of Sirocco; imports nothing of the server."""
