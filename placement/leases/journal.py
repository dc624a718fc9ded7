"""What-if: every change notes how to take it back, so that a trial leaves no trace unless it is kept."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")


@dataclass(slots=True)
class Trial:
    """A what-if in progress; `keep()` makes its changes last."""

    kept: bool = False

    def keep(self) -> None:
        """Let the changes made in this trial stand."""
        self.kept = True


class Journal:
    """The undo log shared by everything that one scheduler may change in a trial."""

    def __init__(self) -> None:
        self._undo: list[Callable[[], object]] = []
        self._depth = 0

    def note(self, undo: Callable[[], object]) -> None:
        """Remember how to take back a change just made; outside a trial there is nothing to take back."""
        if self._depth:
            self._undo.append(undo)

    @contextmanager
    def trial(self) -> Iterator[Trial]:
        """Changes made inside are taken back, last first, unless the trial is kept; trials nest."""
        mark = len(self._undo)
        trial = Trial()
        self._depth += 1
        try:
            yield trial
        except BaseException:
            trial.kept = False
            raise
        finally:
            self._depth -= 1
            if not trial.kept:
                self._take_back(mark)
            elif not self._depth:
                self._undo.clear()

    def _take_back(self, mark: int) -> None:
        depth, self._depth = self._depth, 0
        while len(self._undo) > mark:
            self._undo.pop()()
        self._depth = depth


class Ledger(dict[K, V]):
    """A dictionary whose changes through `put` and `drop` are noted in a journal."""

    def __init__(self, journal: Journal) -> None:
        super().__init__()
        self._journal = journal

    def put(self, key: K, value: V) -> None:
        """Set `key` to `value`, reversibly."""
        if key in self:
            before = self[key]
            self._journal.note(lambda: self.__setitem__(key, before))
        else:
            self._journal.note(lambda: self.__delitem__(key))
        self[key] = value

    def drop(self, key: K) -> V:
        """Remove `key`, reversibly, and return what it stood for."""
        before = self.pop(key)
        self._journal.note(lambda: self.__setitem__(key, before))
        return before
