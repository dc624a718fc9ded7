"""A measured figure beside the one to reach."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """A measured figure, what it should be, and how it was come by."""

    name: str
    value: float
    unit: str
    goal: str
    met: bool
    note: str = ""

    def __str__(self) -> str:
        note = f" ({self.note})" if self.note else ""
        met = ("yes" if self.met else "no") if self.goal else ""
        return f"| {self.name} | {self.value:.1f} {self.unit}{note} | {self.goal} | {met} |"


def at_most(name: str, value: float, unit: str, most: float, note: str = "") -> Figure:
    return Figure(name, value, unit, f"≤ {most:g} {unit}", value <= most, note)


def at_least(name: str, value: float, unit: str, least: float, note: str = "") -> Figure:
    return Figure(name, value, unit, f"≥ {least:g} {unit}", value >= least, note)


def compared(name: str, value: float, unit: str, note: str = "") -> Figure:
    """What others are judged by; it has no goal of its own."""
    return Figure(name, value, unit, "", met=True, note=note)
