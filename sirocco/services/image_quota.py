"""Images that are kept for a tenant count against its quota; shared ones do not, and snapshots belong to machines."""

from sirocco.cmdb import capacity
from sirocco.cmdb.models import Image, VolumeImage
from sirocco.cmdb.transaction import Transaction


def count(tx: Transaction, image: Image | VolumeImage) -> None:
    """Count an image that is made or no longer shared; QUOTA when the tenant may keep no more."""
    if image.tenant_id and not _is_snapshot(image):
        capacity.take(tx, image.tenant_id, {"images": 1})


def give_back(tx: Transaction, image: Image | VolumeImage) -> None:
    """Count an image that is deleted or shared from now on no more."""
    if image.tenant_id and not _is_snapshot(image):
        capacity.give_back(tx, image.tenant_id, {"images": 1})


def _is_snapshot(image: Image | VolumeImage) -> bool:
    return isinstance(image, Image) and image.type == "SNAPSHOT"
