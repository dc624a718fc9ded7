"""A request: a model, the constraints on it and what to minimise."""

from dataclasses import dataclass, field
from enum import StrEnum

from placement.constraints.base import Constraint
from placement.errors import InputError
from placement.model import Model


class Mode(StrEnum):
    """What may move: nothing, as little as possible, or all that saves power, evens the load or packs afresh."""

    PLACE = "place"
    REPAIR = "repair"
    ENERGY = "energy"
    BALANCE = "balance"
    REBUILD = "rebuild"


class Term(StrEnum):
    """What can be minimised: s, s, MB, micro-Wh, squared load, micro-money x Wh, micro-g."""

    SUM_OF_ENDS = "sum_of_ends"
    MAKESPAN = "makespan"
    MIGRATED_MEMORY = "migrated_memory"
    ENERGY = "energy"
    BALANCE = "balance"
    COST = "cost"
    CO2 = "co2"


DEFAULT_TERM = {
    Mode.PLACE: Term.SUM_OF_ENDS,
    Mode.REPAIR: Term.MIGRATED_MEMORY,
    Mode.ENERGY: Term.ENERGY,
    Mode.BALANCE: Term.BALANCE,
    Mode.REBUILD: Term.ENERGY,
}


UNLIKE = {Term.BALANCE, Term.MAKESPAN}
"""Terms that are no sums over hosts and VMs."""
LARGEST_WEIGHT = 1_000_000
"""Largest weight of a term: weighted sums over a million VMs still fit in 64 bits."""
LONGEST_PAYBACK = 1 << 25
"""Longest pay-back time, s: a little more than a year."""


@dataclass(frozen=True)
class Objective:
    """Terms to minimise, in lexicographic order, or as one weighted sum where weights are given.

    `payback` is the time in s over which power is counted: a change that does not pay back within it is not made.
    """

    terms: tuple[Term, ...]
    weights: tuple[int, ...] = ()
    payback: int = 3600

    def __post_init__(self) -> None:
        if not self.terms or len(set(self.terms)) != len(self.terms):
            raise InputError("an objective needs at least one term, each only once")
        if self.weights and (len(self.weights) != len(self.terms) or min(self.weights) < 1):
            raise InputError("a weighted objective needs a whole weight of at least 1 for each of its terms")
        if not self.weights and UNLIKE & set(self.terms[1:]):
            raise InputError("balance and makespan can only come first in a list of terms")
        if max(self.weights, default=1) > LARGEST_WEIGHT:
            raise InputError(f"a weight must be at most {LARGEST_WEIGHT}")
        if not 1 <= self.payback <= LONGEST_PAYBACK:
            raise InputError(f"the pay-back time must be from 1 to {LONGEST_PAYBACK} s")

    @property
    def mixed(self) -> bool:
        """Whether it is a weighted sum with balance or makespan in it."""
        return bool(self.weights) and bool(UNLIKE & set(self.terms))

    def weight(self, term: Term) -> int:
        """The weight of a term in the sum, 0 where it is no part of it."""
        return dict(zip(self.terms, self.weights, strict=False)).get(term, 0)

    def __str__(self) -> str:
        if not self.weights:
            return ",".join(self.terms)
        return ",".join(f"{t}={w}" for t, w in zip(self.terms, self.weights, strict=True))


def parse_objective(text: str, payback: int = 3600) -> Objective:
    """An objective from "term,term" (lexicographic) or "term=3,term=1" (weighted); InputError where it is neither."""
    terms, weights = [], []
    for word in text.split(","):
        name, _, weight = word.partition("=")
        if name not in list(Term):
            raise InputError(f"objective {name!r} is unknown; choose from {', '.join(Term)}")
        if weight and not weight.isdigit():
            raise InputError(f"objective {name!r}: weight {weight!r} is not a whole number")
        terms.append(Term(name))
        weights += [int(weight)] if weight else []
    return Objective(tuple(terms), tuple(weights), payback)


@dataclass(frozen=True)
class Instance:
    """A model, the constraints on it, and the name of the objective its author wanted (kept for writing it back)."""

    model: Model
    constraints: tuple[Constraint, ...] = ()
    objective: str = field(default="minimizeMTTR")
