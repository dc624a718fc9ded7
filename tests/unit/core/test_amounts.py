"""Bytes as refusals tell them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sirocco.contracts.amounts import told
from sirocco.contracts.errors import INVALID, QUOTA, SiroccoError, explained

UNITS = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40, "PiB": 2**50}


@pytest.mark.parametrize(
    ("size", "said"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1 KiB"),
        (16 * 2**20, "16 MiB"),
        (3 * 2**29, "1.5 GiB"),
        (10**9, "953.6 MiB (1000000000 bytes)"),
        (2**61, "2048 PiB"),
    ],
)
def test_amounts(size, said):
    assert told(size) == said


@given(st.integers(0, 2**62))
def test_what_is_told_without_bytes_is_exact_and_the_rest_holds_them(size):
    said = told(size)
    number, unit, *exact = said.split()
    if exact:
        assert exact[0] == f"({size}"
        assert 0 < size - float(number) * UNITS[unit] < UNITS[unit] / 5
    else:
        assert round(float(number) * 10) * UNITS[unit] == size * 10


def test_a_refusal_tells_units_and_keeps_bytes_for_programs():
    why = "{value_size} is not between {low_size} and {high_size}"
    refusal = SiroccoError(INVALID, where="memory", why=why, value_size=2**20, low_size=2**24, high_size=2**44)
    assert refusal.message == "memory: 1 MiB is not between 16 MiB and 16 TiB."
    assert refusal.details["low_size"] == str(2**24)


@pytest.mark.parametrize(("resource", "said"), [("memory", "1 GiB"), ("capacity", "1 GiB"), ("machines", str(2**30))])
def test_a_quota_has_the_unit_of_what_it_counts(resource, said):
    refusal = SiroccoError(QUOTA, resource=resource, used=0, wanted=2**30, ceiling=2**30)
    assert f"{said} wanted, {said} allowed" in refusal.message


def test_units_are_said_in_the_readers_language():
    words = {"{whole}.{tenths} GiB": "{whole},{tenths} Gio"}
    details = {"least_size": str(3 * 2**29), "why": "at least {least_size}"}
    assert explained(details, lambda text: words.get(text, text))["why"] == "at least 1,5 Gio"
