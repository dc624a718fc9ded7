"""How images come in from elsewhere: fetched, looked at, and kept in the store."""

from collections.abc import Callable
from dataclasses import dataclass

from sirocco.domain.sources import Source
from sirocco.images.fetch import Limits, discard, fetch
from sirocco.images.inspect import ImageError
from sirocco.images.store import ImageStore, StoredImage

_FETCHING = 0.8


def _kept(share: float) -> float:
    return _FETCHING + (1 - _FETCHING) * share


@dataclass(frozen=True, slots=True)
class Intake:
    """The store, and what may be brought into it."""

    store: ImageStore
    limits: Limits

    def bring(self, image_id: str, wanted: Source, image_format: str, progress: Callable[[float], None]) -> StoredImage:
        """The image in the store, however often this is begun; ``ImageError`` or ``SilentSourceError`` if it is not.

        ``progress`` hears how much of all that is done, from 0 to 1.
        """
        known = self.store.get(image_id)
        if known is not None:
            return known
        part = self.store.incoming(image_id)
        fetch(wanted, part, self.limits, lambda share: progress(_FETCHING * share))
        try:
            stored = self.store.add(image_id, part, image_format, progress=lambda share: progress(_kept(share)))
        except ImageError:
            discard(part)
            raise
        discard(part)
        return stored

    def forget(self, image_id: str) -> None:
        """Leave nothing of an image, fetched in part or whole; absent already is success."""
        discard(self.store.incoming(image_id))
        self.store.remove(image_id)
