"""Lists: what the reader asked of one (search, filter, order, page) as a query, and as links to ask again."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import Any, TypeVar
from urllib.parse import urlencode

from flask import Response, abort, after_this_request, redirect, request

from sirocco.cmdb.models import Record
from sirocco.cmdb.query import Page
from sirocco.cmdb.transaction import Transaction
from sirocco.domain.query import AllOf, AnyOf, Comparison, Condition, Contains, Order, Query
from web.security import keep_preference, preference

SIZES = ("25", "50", "100")
R = TypeVar("R", bound=Record)


@dataclass(frozen=True, slots=True)
class Asked:
    """A question to a list, as the address bar holds it."""

    words: str
    filters: dict[str, str]
    sort: str
    page: int
    rows: int
    searched: tuple[str, ...] = ("name", "description", "id")
    extra: tuple[Condition, ...] = field(default=())

    def query(self) -> Query:
        """The question for a service."""
        parts: list[Condition] = [*self.extra]
        if self.words:
            parts.append(AnyOf(tuple(Contains(attribute, self.words) for attribute in self.searched)))
        parts += [Comparison(name, "=", value) for name, value in self.filters.items() if value]
        order = Order(self.sort.removeprefix("-"), self.sort.startswith("-"))
        first = (self.page - 1) * self.rows + 1
        return Query(AllOf(tuple(parts)) if parts else None, (order,), first, first + self.rows - 1)

    def link(self, **changes: str | int) -> str:
        """The address of the same list, asked a little differently."""
        values: dict[str, Any] = {"q": self.words, **self.filters, "sort": self.sort, "page": self.page} | changes
        return f"{request.path}?{urlencode({name: value for name, value in values.items() if value})}"

    def turned(self, column: str) -> str:
        """The address of the list ordered by a column, or the other way round when it already is."""
        return self.link(sort=f"-{column}" if self.sort == column else column, page=1)

    def pages(self, count: int) -> int:
        """How many pages ``count`` rows fill."""
        return max(ceil(count / self.rows), 1)


def asked(
    sortable: Iterable[str],
    *,
    filters: Sequence[str] = (),
    sort: str = "-created",
    searched: tuple[str, ...] = ("name", "description", "id"),
    extra: tuple[Condition, ...] = (),
) -> Asked:
    """What this request asks of a list; nonsense is taken as not asked."""
    wanted = request.args.get("sort", sort)
    return Asked(
        words=request.args.get("q", "").strip()[:255],
        filters={name: request.args.get(name, "")[:64] for name in filters},
        sort=wanted if wanted.removeprefix("-") in set(sortable) else sort,
        page=_whole(request.args.get("page", "1")),
        rows=_rows(),
        searched=searched,
        extra=extra,
    )


def _whole(text: str) -> int:
    return min(int(text), 1_000_000) or 1 if text.isascii() and text.isdigit() else 1


def _rows() -> int:
    """Rows on a page, remembered from list to list."""
    wanted = request.args.get("rows", "")
    if wanted not in SIZES:
        return int(preference("rows", SIZES, "25"))

    @after_this_request
    def remember(response: Response) -> Response:
        return keep_preference(response, "rows", wanted)

    return int(wanted)


def by_id(tx: Transaction, model: type[R], ids: Iterable[str | None]) -> dict[str, R]:
    """The rows with these ids that the reader may see."""
    wanted = {one for one in ids if one}
    if not wanted:
        return {}
    return {row.id: row for row in tx.session.scalars(tx.visible(model).where(model.id.in_(wanted)))}


@dataclass(frozen=True, slots=True)
class Shown:
    """A page of a list with the question that led to it."""

    asked: Asked
    items: Sequence[Any]
    count: int

    @classmethod
    def of(cls, question: Asked, page: Page[Any]) -> "Shown":
        """The answer to a question; a page behind the last one, whose rows have gone, leads to the last."""
        last = question.pages(page.count)
        if question.page > last:
            abort(redirect(question.link(page=last), 303))
        return cls(question, page.items, page.count)
