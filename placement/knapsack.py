"""Unbounded knapsacks of two resources: the best value of items that fit in each room, each any number of times."""

import numpy as np

from placement.model import FloatArray, IntArray


def filled(base: FloatArray, sizes: IntArray, gains: FloatArray) -> tuple[FloatArray, IntArray]:
    """The best value in each cell of room (R, C), and the item added last (-1 for none).

    `base` (R, C) is what a cell is worth with nothing in it, `sizes` (K, 2) and `gains` (K,) are those of the items; no
    item is of size 0 on both axes.
    """
    choice = np.full(base.shape, -1, dtype=np.int64)
    fits = np.flatnonzero((sizes < base.shape).all(axis=1))
    if not len(fits):
        return base.copy(), choice
    sizes, gains = sizes[fits], gains[fits]
    steps = [
        -(-length // least) if least else base.size for length, least in zip(base.shape, sizes.min(0), strict=True)
    ]
    if min(steps) > np.minimum(*(base.shape // np.maximum(sizes, 1)).T).sum():
        best = _item_by_item(base, sizes, gains, choice)
    elif steps[0] <= steps[1]:
        best = _row_by_row(base, sizes, gains, choice)
    else:
        best = _row_by_row(base.T, sizes[:, ::-1], gains, choice.T).T
    return best, np.append(fits, -1)[choice]


def _row_by_row(base: FloatArray, sizes: IntArray, gains: FloatArray, choice: IntArray) -> FloatArray:
    """All items at once, for as many rows at a time as the smallest item is high."""
    (rows, columns), (high, wide) = base.shape, sizes.max(axis=0)
    width, step = wide + columns, int(sizes[:, 0].min())
    padded = np.full((high + rows, width), -np.inf)
    best = padded[high:, wide:]
    best[:] = base
    before = (np.arange(step)[:, None] + high - sizes[:, 0])[:, None, :] * width
    before = before + (np.arange(columns)[:, None] + wide - sizes[:, 1])
    for low in range(step, rows, step):
        part = slice(low, min(low + step, rows))
        value = padded.ravel()[low * width :].take(before[: part.stop - low])
        value += gains
        item = value.argmax(axis=2)
        top = np.take_along_axis(value, item[:, :, None], axis=2)[:, :, 0]
        wins = top > best[part]
        np.copyto(best[part], top, where=wins)
        np.copyto(choice[part], item, where=wins)
    return best


def _item_by_item(base: FloatArray, sizes: IntArray, gains: FloatArray, choice: IntArray) -> FloatArray:
    best = base.copy()
    for item, ((a, b), gain) in enumerate(zip(sizes.tolist(), gains.tolist(), strict=True)):
        _add(best, choice, item, (a, b), gain)
    return best


def _add(best: FloatArray, choice: IntArray, item: int, size: tuple[int, int], gain: float) -> None:
    """Let an item be used any number of times, in place; the table is walked along the axis with fewer steps."""
    a, b = size
    if a == 0 or (b and best.shape[1] / b < best.shape[0] / a):
        best, choice, a, b = best.T, choice.T, b, a
    stop = best.shape[1] - b
    for low in range(a, best.shape[0], a):
        high = min(low + a, best.shape[0])
        better = best[low - a : high - a, :stop] + gain
        here = best[low:high, b:]
        wins = better > here
        np.copyto(here, better, where=wins)
        choice[low:high, b:][wins] = item
