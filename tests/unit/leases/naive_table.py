"""A second slot table, slow and obviously right: a list of reservations, looked through from end to end."""

from dataclasses import dataclass, field

from placement.leases import FOREVER, Reservation


@dataclass
class NaiveTable:
    capacity: list[list[int]]
    reservations: dict[str, Reservation] = field(default_factory=dict)

    def used(self, time: int, host: int, column: int, without=()) -> int:
        return sum(
            amounts[column]
            for r in self.reservations.values()
            if r.start <= time < r.end and r.lease not in without
            for place, amounts in r.claims
            if place == host
        )

    def points(self, start: int, end: int) -> list[int]:
        found = {start}
        for r in self.reservations.values():
            found |= {time for time in (r.start, r.end) if start < time < end}
        return sorted(found)

    def free_at(self, time: int, without=()) -> list[list[int]]:
        return [
            [amount - self.used(time, host, column, without) for column, amount in enumerate(row)]
            for host, row in enumerate(self.capacity)
        ]

    def floor(self, start: int, end: int, without=()) -> list[list[int]]:
        frees = [self.free_at(time, without) for time in self.points(start, end)]
        return [
            [min(free[host][column] for free in frees) for column in range(len(row))]
            for host, row in enumerate(self.capacity)
        ]

    def fits(self, r: Reservation) -> bool:
        floor = self.floor(r.start, r.end)
        return all(amount <= floor[host][c] for host, amounts in r.claims for c, amount in enumerate(amounts))

    def reserve(self, r: Reservation) -> bool:
        if r.key in self.reservations or not self.fits(r):
            return False
        self.reservations[r.key] = r
        return True

    def release(self, key: str) -> None:
        del self.reservations[key]

    def change_points(self, after: int, until: int = FOREVER) -> list[int]:
        return [time for time in self.points(after, until) if time > after]

    def overlapping(self, start: int, end: int) -> list[Reservation]:
        found = [r for r in self.reservations.values() if r.start < end and r.end > start]
        return sorted(found, key=lambda r: (r.start, r.key))
