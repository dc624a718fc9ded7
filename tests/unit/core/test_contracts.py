import string
import uuid

import pytest

from sirocco.contracts import errors
from sirocco.contracts.ids import new_id, step_token


def test_ids_are_version_7_ordered_in_time_and_distinct():
    ids = [new_id() for _ in range(10_000)]
    assert len(set(ids)) == len(ids)
    assert all(uuid.UUID(one).version == 7 and uuid.UUID(one).variant == uuid.RFC_4122 for one in ids)
    millis = [uuid.UUID(one).int >> 80 for one in ids]
    assert millis == sorted(millis)


def test_tokens_depend_on_job_and_step_alone():
    assert step_token("j", "create") == step_token("j", "create")
    assert len({step_token("j", "create"), step_token("j", "delete"), step_token("k", "create")}) == 3


@pytest.mark.parametrize("problem", errors.catalogue().values(), ids=lambda problem: problem.code)
def test_each_problem_has_a_sentence_a_remedy_and_a_return_code_of_ours(problem):
    assert problem.message.endswith(".")
    assert problem.remedy.endswith(".")
    assert 10_000 < problem.number < 20_000
    assert 400 <= problem.status < 600
    places = {name for text in (problem.message, problem.remedy) for _, name, _, _ in string.Formatter().parse(text)}
    filled = errors.SiroccoError(problem, **{name: "X" for name in places if name})
    assert "{" not in filled.message + filled.remedy


def test_a_missing_detail_stays_visible_by_name():
    assert errors.fill("no {kind} {id}", {"kind": "machine"}) == "no machine {id}"


def test_a_code_or_number_cannot_stand_twice():
    with pytest.raises(ValueError, match="twice"):
        errors._problem("not-found", 404, 1, "x.", "y.")
    with pytest.raises(ValueError, match="twice"):
        errors._problem("another", 404, errors.NOT_FOUND.number, "x.", "y.")


def test_a_reason_is_translated_before_its_places_are_filled():
    refusal = errors.SiroccoError(errors.INVALID, where="cidr", why="{block} overlaps another", block="10.0.0.0/24")
    assert refusal.message == "cidr: 10.0.0.0/24 overlaps another."
    assert refusal.details["why"] == "{block} overlaps another"
    french = errors.explained(refusal.details, lambda text: text.replace("overlaps another", "en chevauche un autre"))
    assert errors.fill("{where} : {why}.", french) == "cidr : 10.0.0.0/24 en chevauche un autre."


def test_what_a_provider_says_cannot_break_a_message():
    said = "{0.__class__} {unknown} {why} {{ } { %s"
    refusal = errors.SiroccoError(errors.PROVIDER_FAILED, provider="p", why=said)
    assert said[:30] in refusal.message


@pytest.mark.parametrize("code", ["provider-failed", ""])
def test_a_failure_is_recalled_with_the_text_that_it_was_kept_with_and_no_other(code):
    cause = errors.kept({"provider": "p", "why": "no {what}", "what": "room"}, code)
    text = "The provider p refused: no room." if code else "no room"
    refusal = errors.recalled(cause, text)
    assert (refusal.problem.code, refusal.message, refusal.details["why"]) == (code, text, "no {what}")
    assert errors.recalled(cause, "another text") is None
    assert errors.recalled(cause, "") is None


@pytest.mark.parametrize("cause", [{}, {"code": "", "details": {}}, {"code": "no-longer-known", "details": {"a": 1}}])
def test_nothing_is_recalled_of_what_was_not_kept(cause):
    assert errors.recalled(cause, "a text") is None
