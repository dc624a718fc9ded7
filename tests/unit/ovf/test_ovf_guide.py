"""The guide names every rule, limit and command as the code has them."""

from dataclasses import fields
from pathlib import Path

from ovf.cli import _parser
from ovf.limits import DEFAULT
from ovf.profiles import PROFILES
from ovf.rules import RULES

GUIDE = (Path(__file__).resolve().parents[3] / "docs" / "ovf.md").read_text(encoding="utf-8")
SEVERITIES = {"E": "error", "W": "warning", "S": "strict"}


def test_every_rule_stands_in_the_guide():
    for rule in RULES.values():
        line = f"| `{rule.code}` | {SEVERITIES[rule.kind]} | {rule.clause} | {rule.meaning} | {rule.remedy} |"
        assert line in GUIDE


def test_the_guide_knows_no_rule_that_is_gone():
    told = {
        line.split("`")[1] for line in GUIDE.partition("## Judgement codes")[2].splitlines() if line.startswith("| `")
    }
    assert told == set(RULES)


def test_every_limit_stands_in_the_guide():
    for one in fields(DEFAULT):
        assert f"| {getattr(DEFAULT, one.name):,} |" in GUIDE


def test_every_command_and_profile_stands_in_the_guide():
    commands = next(action.choices for action in _parser()._actions if action.choices)
    for name in commands:
        assert f"`python -m ovf {name} " in GUIDE
    for name in PROFILES:
        assert f"`{name}`" in GUIDE
