"""The grammar of $filter (4.1.6.1), read into conditions on CIMI's attribute names.

A comparison may be turned round (``3<cpu``), ``and`` binds tighter than ``or``, dates stand without quotes.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from api.cimi.codec.limits import DEPTH, FILTER, TERMS
from api.cimi.codec.validate import UNWRITABLE
from sirocco.contracts.errors import BAD_FILTER, SiroccoError
from sirocco.domain.query import AllOf, AnyOf, Comparison, Condition, PropertyIs, Value

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<date>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+\- ]\d\d:\d\d)?)
    | (?P<integer>\d+(?![\w.]))
    | (?P<property>property\s*\[)
    | (?P<word>[A-Za-z_]\w*)
    | (?P<string>"[^"]*"|'[^']*')
    | (?P<op><=|>=|!=|=|<|>)
    | (?P<mark>[()\]])
    )""",
    re.VERBOSE | re.ASCII,
)
_TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "=", "!=": "!="}
_LARGEST = (1 << 52) - 1


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    position: int


def parse(text: str) -> Condition:
    """The condition that ``text`` states; BAD_FILTER with the position of what cannot be read."""
    if len(text) > FILTER:
        raise _bad(FILTER, why="it is longer than {most} characters", most=FILTER)
    if found := UNWRITABLE.search(text):
        raise _bad(found.start(), why="it holds a control character")
    return _Parser(list(_tokens(text))).whole()


def _bad(position: int, *, why: str, **details: object) -> SiroccoError:
    return SiroccoError(BAD_FILTER, position=position + 1, why=why, **details)


def _unexpected(token: _Token, *, why: str) -> SiroccoError:
    if token.kind == "end":
        return _bad(token.position, why="it ends too soon")
    return _bad(token.position, why=why, found=token.text)


def _tokens(text: str) -> Iterator[_Token]:
    position = 0
    while position < len(text) and not text[position:].isspace():
        found = _TOKEN.match(text, position)
        if found is None or found.lastgroup is None:
            shown = text[position:].lstrip()
            raise _bad(len(text) - len(shown), why="nothing known begins with {found}", found=shown[:1])
        yield _Token(found.lastgroup, found.group(found.lastgroup), found.start(found.lastgroup))
        position = found.end()
    yield _Token("end", "", len(text))


class _Parser:
    """Recursive descent over the tokens of one filter."""

    def __init__(self, tokens: Sequence[_Token]) -> None:
        self._tokens, self._next, self._terms, self._depth = tokens, 0, 0, 0

    def whole(self) -> Condition:
        condition = self._either()
        if self._peek.kind != "end":
            raise _unexpected(self._peek, why="{found} is not expected here")
        return condition

    @property
    def _peek(self) -> _Token:
        return self._tokens[self._next]

    def _take(self) -> _Token:
        token = self._peek
        if token.kind != "end":
            self._next += 1
        return token

    def _expect(self, kind: str, text: str = "", *, why: str) -> _Token:
        token = self._take()
        if token.kind != kind or (text and token.text != text):
            raise _unexpected(token, why=why)
        return token

    def _either(self) -> Condition:
        parts = [self._both()]
        while self._peek.text == "or" and self._peek.kind == "word":
            self._take()
            parts.append(self._both())
        return parts[0] if len(parts) == 1 else AnyOf(tuple(parts))

    def _both(self) -> Condition:
        parts = [self._term()]
        while self._peek.text == "and" and self._peek.kind == "word":
            self._take()
            parts.append(self._term())
        return parts[0] if len(parts) == 1 else AllOf(tuple(parts))

    def _term(self) -> Condition:
        token = self._peek
        self._terms += 1
        if self._terms > TERMS:
            raise _bad(token.position, why="it has more than {most} comparisons", most=TERMS)
        if token.kind == "mark" and token.text == "(":
            return self._group()
        if token.kind == "property":
            return self._property()
        return self._comparison()

    def _group(self) -> Condition:
        opening = self._take()
        self._depth += 1
        if self._depth > DEPTH:
            raise _bad(opening.position, why="it is nested more than {most} deep", most=DEPTH)
        condition = self._either()
        self._expect("mark", ")", why="a closing parenthesis is expected, not {found}")
        self._depth -= 1
        return condition

    def _property(self) -> Condition:
        self._take()
        key = self._expect("string", why="a key in quotes is expected, not {found}").text[1:-1]
        self._expect("mark", "]", why="a closing bracket is expected, not {found}")
        op = self._expect("op", why="= or != is expected, not {found}")
        if op.text not in {"=", "!="}:
            raise _bad(op.position, why="texts are compared by = and != only")
        value = self._expect("string", why="a text in quotes is expected, not {found}")
        return PropertyIs(key, op.text, value.text[1:-1])

    def _comparison(self) -> Condition:
        left = self._take()
        op, right = self._expect("op", why="a comparison is expected, not {found}"), self._take()
        if _is_attribute(left) and not _is_attribute(right):
            return _compared(left, op, right, op.text)
        if _is_attribute(right) and not _is_attribute(left):
            return _compared(right, op, left, _TURNED[op.text])
        raise _bad(left.position, why="an attribute is compared with a value")


def _is_attribute(token: _Token) -> bool:
    return token.kind == "word" and token.text not in {"true", "false", "and", "or"}


def _compared(name: _Token, op: _Token, value: _Token, meant: str) -> Comparison:
    found = _value(value)
    if isinstance(found, str | bool) and meant not in {"=", "!="}:
        raise _bad(op.position, why="texts, true and false are compared by = and != only")
    return Comparison(name.text, meant, found)


def _value(token: _Token) -> Value:
    match token.kind:
        case "string":
            return token.text[1:-1]
        case "integer" if len(token.text) < 17 and int(token.text) <= _LARGEST:
            return int(token.text)
        case "integer":
            raise _bad(token.position, why="the number is too large")
        case "date":
            return _moment(token)
        case "word" if token.text in {"true", "false"}:
            return token.text == "true"
        case _:
            raise _unexpected(token, why="a value is expected, not {found}")


def _moment(token: _Token) -> datetime:
    try:
        found = datetime.fromisoformat(token.text.replace(" ", "+"))  # a plus that nobody escaped arrives as a blank
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as fault:
        raise _bad(token.position, why="{found} is no date and time", found=token.text) from fault
