"""What no request may hold, whoever asks."""

import pytest

from sirocco.contracts.errors import SiroccoError
from sirocco.domain.limits import check_text


@pytest.mark.parametrize("name", ["", "web", "équipe 東", "web 1 (old)", "می‌خواهم", "👩‍💻", "a" * 255])
def test_a_name_may_be_in_any_script(name):
    check_text(name)


@pytest.mark.parametrize(
    "name",
    ["two\nlines", "a\ttab", "a\x1b[31m", "a\x7f", "a\x85b", "a\u2028b", "left\u202eright", "a\u2066b", "  ", "\u3000"],
)
def test_a_name_is_one_line_that_can_be_seen(name):
    with pytest.raises(SiroccoError, match=r"^name: it holds"):
        check_text(name)


def test_a_description_may_have_lines():
    check_text("web", "one\ntwo\tthree")
    with pytest.raises(SiroccoError, match=r"^description: it holds control characters"):
        check_text("web", "one\x1b[2J")
