"""Who migrates over which links at one instant, for the checker."""

from collections import Counter
from collections.abc import Iterator

from placement.model import Action, Model


class NetworkUse:
    """Bandwidth (MB/s) and migrations in flight per host and direction, and per link and direction."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._flow: Counter[tuple[str, int]] = Counter()
        self._flights: Counter[int] = Counter()
        self._described = bool(model.hosts.bandwidth.any() or model.hosts.parallel.any() or model.links)
        self._changed = False

    def begin(self, action: Action) -> None:
        """A migration starts."""
        self._add(action, 1)

    def end(self, action: Action) -> None:
        """A migration ends."""
        self._add(action, -1)

    def _add(self, action: Action, sign: int) -> None:
        if not self._described:
            return
        self._changed = True
        rate = sign * (action.bandwidth or self._model.share(action.source, action.target))
        self._flow["out", action.source] += rate
        self._flow["in", action.target] += rate
        for host in (action.source, action.target):
            self._flights[host] += sign
        for number, link in enumerate(self._model.links):
            if (action.source in link.hosts) != (action.target in link.hosts):
                self._flow["up" if action.source in link.hosts else "down", number] += rate

    def excess(self) -> Iterator[str]:
        """What is over its capacity."""
        if not self._changed:
            return
        self._changed = False
        hosts = self._model.hosts
        for (way, number), rate in sorted(self._flow.items()):
            if way in ("up", "down"):
                link = self._model.links[number]
                if rate > link.capacity:
                    yield f"link {link.name} carries {rate} MB/s, it has {link.capacity}"
            elif 0 < hosts.bandwidth[number] < rate:
                yield f"host {hosts.ids[number]} carries {rate} MB/s {way}, it has {hosts.bandwidth[number]}"
        for number, flights in sorted(self._flights.items()):
            if 0 < hosts.parallel[number] < flights:
                limit = hosts.parallel[number]
                yield f"host {hosts.ids[number]} takes part in {flights} migrations, its limit is {limit}"
