"""Amounts of bytes as people read them."""

from collections.abc import Callable
from typing import Final

_WHOLE: Final = ("{whole} B", "{whole} KiB", "{whole} MiB", "{whole} GiB", "{whole} TiB", "{whole} PiB")
_PARTS: Final = tuple(text.replace("{whole}", "{whole}.{tenths}") for text in _WHOLE)
_ABOUT: Final = "{amount} ({bytes} bytes)"
TEXTS: Final = (*_WHOLE, *_PARTS[1:], _ABOUT)


def told(size: int, say: Callable[[str], str] = str) -> str:
    """Bytes in the largest unit that fits, in the words of ``say``: 1.5 GiB.

    What has more digits than one behind the point is followed by the bytes themselves: a limit has to be exact.
    """
    unit = min((max(abs(size), 1).bit_length() - 1) // 10, len(_WHOLE) - 1)
    tenths, rest = divmod(abs(size) * 10, 1024**unit)
    sign, (whole, tenth) = "-" if size < 0 else "", divmod(tenths, 10)
    text = say(_PARTS[unit] if tenth else _WHOLE[unit]).format(whole=f"{sign}{whole}", tenths=tenth)
    return say(_ABOUT).format(amount=text, bytes=size) if rest else text
