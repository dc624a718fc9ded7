"""Unbounded knapsacks against all multisets, whichever way the table is filled."""

import numpy as np
import pytest

from placement import knapsack
from placement.knapsack import filled


def reference(base, sizes, gains):
    """The best of every cell, from the cells before it."""
    best = base.copy()
    for row, column in np.ndindex(*base.shape):
        for (a, b), gain in zip(sizes.tolist(), gains.tolist(), strict=True):
            if a <= row and b <= column:
                best[row, column] = max(best[row, column], best[row - a, column - b] + gain)
    return best


def value_of(choice, base, sizes, gains, cell):
    """What the items are worth that the choices name, and the cell where they end."""
    total, (row, column) = 0.0, cell
    while choice[row, column] >= 0:
        item = choice[row, column]
        total, row, column = total + gains[item], row - sizes[item, 0], column - sizes[item, 1]
    return total + base[row, column]


def drawn(random, shape, least):
    sizes = random.integers(least, [shape[0] + 1, shape[1] + 1], (int(random.integers(1, 7)), 2))
    sizes = sizes[sizes.any(axis=1)]
    return sizes, random.uniform(0.5, 9, len(sizes))


@pytest.mark.parametrize(("shape", "least"), [((5, 9), (1, 1)), ((6, 6), (1, 0)), ((9, 7), (0, 1)), ((7, 7), (0, 0))])
@pytest.mark.parametrize("exact", [False, True])
def test_every_cell_holds_the_best_of_all_multisets(shape, least, exact):
    random = np.random.default_rng([shape[0], least[0], least[1]])
    for _ in range(40):
        sizes, gains = drawn(random, shape, least)
        base = np.full(shape, -np.inf) if exact else np.zeros(shape)
        base[0, 0] = 0
        best, choice = filled(base, sizes, gains)
        assert best == pytest.approx(reference(base, sizes, gains))
        for cell in np.ndindex(*shape):
            assert value_of(choice, base, sizes, gains, cell) == pytest.approx(best[cell])


def test_all_three_ways_are_taken(monkeypatch):
    taken = []
    for name in ("_row_by_row", "_item_by_item"):
        inner = getattr(knapsack, name)
        monkeypatch.setattr(
            knapsack,
            name,
            lambda base, *rest, name=name, inner=inner: (taken.append((name, base.shape)), inner(base, *rest))[1],
        )
    filled(np.zeros((4, 40)), np.array([[1, 3], [2, 5], [1, 7]]), np.array([1.0, 2.0, 3.0]))
    filled(np.zeros((40, 4)), np.array([[3, 1], [5, 2], [7, 1]]), np.array([1.0, 2.0, 3.0]))
    filled(np.zeros((40, 40)), np.array([[30, 0], [0, 30]]), np.array([1.0, 2.0]))
    assert taken == [("_row_by_row", (4, 40)), ("_row_by_row", (4, 40)), ("_item_by_item", (40, 40))]


def test_nothing_fits():
    best, choice = filled(np.zeros((3, 3)), np.array([[3, 1]]), np.array([1.0]))
    assert not best.any()
    assert (choice == -1).all()
