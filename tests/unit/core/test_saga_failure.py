"""What a job says when a step failed in a way that nobody foresaw."""

import pytest
from temporalio.api.failure.v1 import Failure
from temporalio.converter import DataConverter

from api.common.words import said
from sirocco.contracts.engine import JobOrder
from sirocco.contracts.errors import SiroccoError, catalogue
from web.language import catalogue as words
from workflows.saga import failure


@pytest.fixture
def unforeseen():
    """A step's failure as the engine hands it to a workflow: an exception that is none of ours."""
    told = Failure(message="step failed")
    told.activity_failure_info.activity_id = "1"
    told.cause.message = "too bad"
    told.cause.application_failure_info.type = "TypeError"
    return DataConverter.default.failure_converter.from_failure(told, DataConverter.default.payload_converter)


def test_an_error_of_our_own_is_named_as_one_in_every_language(unforeseen):
    met = failure(JobOrder("j1"), unforeseen)
    assert met.code == "engine-failed"
    refusal = SiroccoError(catalogue()[met.code], **met.details)
    assert refusal.message == ("The work could not be completed: Sirocco met an error of its own: too bad.")
    assert said(refusal, words("fr").gettext) == (
        "Le travail n'a pas pu être achevé : Sirocco a rencontré une erreur interne : too bad."
    )
