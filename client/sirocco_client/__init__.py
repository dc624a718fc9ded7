"""SDK and command line of Sirocco; imports nothing of the server."""

from sirocco_client.errors import ApiError, ClientError
from sirocco_client.wire import Api

__all__ = ["Api", "ApiError", "ClientError"]
__version__ = "0.1.0"
