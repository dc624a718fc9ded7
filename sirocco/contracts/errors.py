"""The catalogue of refusals: each has a stable code, an HTTP status, a CIMI return code, a sentence and a remedy.

Messages, remedies and reasons (``why``) are templates with named places: they are translated by their English text
before the places are filled, so a reason is never put together where it is raised.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sirocco.contracts import amounts


@dataclass(frozen=True, slots=True)
class Problem:
    """One kind of refusal. ``number`` is CIMI's returnCode (10000 and up are ours)."""

    code: str
    status: int
    number: int
    message: str
    remedy: str


_ALL: dict[str, Problem] = {}


def _problem(code: str, status: int, number: int, message: str, remedy: str) -> Problem:
    if code in _ALL or any(known.number == number for known in _ALL.values()):
        raise ValueError(f"problem {code} or number {number} stands twice in the catalogue")
    _ALL[code] = Problem(code, status, number, message, remedy)
    return _ALL[code]


def catalogue() -> Mapping[str, Problem]:
    """All problems by code."""
    return dict(_ALL)


class SiroccoError(Exception):
    """A refusal that a user can understand: a problem of the catalogue with what, where and why filled in."""

    def __init__(self, problem: Problem, /, **details: object) -> None:
        self.problem = problem
        self.details = {name: str(value) for name, value in details.items()}
        super().__init__(self.message)

    @property
    def message(self) -> str:
        """The sentence in English."""
        return fill(self.problem.message, explained(self.details))

    @property
    def remedy(self) -> str:
        """What to do, in English."""
        return fill(self.problem.remedy, self.details)


_BARE = Problem("", 0, 0, "{why}", "")


def kept(details: Mapping[str, str], code: str = "") -> dict[str, object]:
    """What a record keeps beside the English text of a failure, so that it can be said in another language later.

    ``code`` is of the catalogue; without one the text is the reason alone.
    """
    return {"code": code, "details": dict(details)}


def recalled(cause: Mapping[str, Any], text: str) -> SiroccoError | None:
    """The refusal behind a text that a record shows; None where nothing was kept with this text."""
    details = {name: str(value) for name, value in cause.get("details", {}).items()}
    problem = _ALL.get(cause.get("code", ""), _BARE)
    if problem is _BARE and "why" not in details:
        return None
    refusal = SiroccoError(problem, **details)
    return refusal if text and refusal.message == text else None


_PLACE = re.compile(r"{(\w+)}")


def fill(template: str, details: Mapping[str, str]) -> str:
    """The template with its places filled; a missing detail stays visible as its name."""
    return _PLACE.sub(lambda place: details.get(place[1], place[0]), template)


def explained(details: Mapping[str, str], say: Callable[[str], str] = str) -> dict[str, str]:
    """The details with their reason (``why``: a text with places for the others) in the words of ``say``, filled.

    A reason may have one of its own, ``because``. Details named ``..._size``, and a quota of memory or capacity, are
    bytes, and told with a unit.
    """
    whole = dict(details)
    for name, value in details.items():
        if value.isdecimal() and (name.endswith("_size") or _is_of_bytes(name, details)):
            whole[name] = amounts.told(int(value), say)
    for name in ("because", "why"):
        if name in whole:
            whole[name] = fill(say(whole[name]), whole)
    return whole


def _is_of_bytes(name: str, details: Mapping[str, str]) -> bool:
    return name in {"used", "wanted", "ceiling"} and details.get("resource") in {"memory", "capacity"}


# Requests
MALFORMED = _problem(
    "malformed-body", 400, 10400, "The body cannot be read as {format}: {why}.", "Correct the body and send it again."
)
INVALID = _problem(
    "invalid-value", 400, 10401, "{where}: {why}.", "Correct {where} and send the request again; nothing was changed."
)
UNKNOWN_ATTRIBUTE = _problem(
    "unknown-attribute",
    400,
    10402,
    "No attribute {attribute} can be given here for {type}.",
    "Remove {attribute}; the ResourceMetadata of {type} lists its attributes and which of them may be set.",
)
BAD_FILTER = _problem(
    "bad-filter",
    400,
    10403,
    "$filter cannot be read at position {position}: {why}.",
    "Correct the expression; one that can be read is: state='STARTED' and cpu>=2.",
)
NOT_FOUND = _problem(
    "not-found",
    404,
    10404,
    "There is no {kind} {id}.",
    "Check the id and the tenant you work in; it may have been deleted.",
)
METHOD_NOT_ALLOWED = _problem(
    "method-not-allowed", 405, 10405, "{method} is not possible on {path}.", "Use one of: {allowed}."
)
NOT_ACCEPTABLE = _problem(
    "not-acceptable", 406, 10406, "None of the wanted formats can be given: {wanted}.", "Ask for JSON or XML."
)
UNSUPPORTED_MEDIA = _problem(
    "unsupported-media-type",
    415,
    10415,
    "Bodies of type {type} are not read.",
    "Send application/json or application/xml.",
)
TOO_LARGE = _problem("too-large", 413, 10413, "The body is larger than {limit_size}.", "Send a smaller body.")
URI_TOO_LONG = _problem(
    "uri-too-long",
    414,
    10414,
    "The address is longer than {limit} bytes.",
    "Ask for less at once: a shorter $filter, fewer names in $select.",
)
HEADERS_TOO_LARGE = _problem(
    "headers-too-large",
    431,
    10434,
    "The headers of the request are too many or too large.",
    "Send fewer or shorter ones.",
)
STALE = _problem(
    "stale",
    412,
    10412,
    "{kind} {id} has changed since you read it.",
    "Read it again, repeat your change and send it anew.",
)
KEY_REUSED = _problem(
    "idempotency-key-reused",
    409,
    10419,
    "The Idempotency-Key {key} was used for another request.",
    "Use a new key for a new request; repeat the first request unchanged to get its answer again.",
)

# Identity
UNAUTHENTICATED = _problem(
    "unauthenticated",
    401,
    10410,
    "You are not signed in, or the credentials are wrong.",
    "Sign in, or give a valid API key.",
)
LOCKED_OUT = _problem(
    "locked-out", 429, 10411, "Too many failed sign-ins for this user.", "Wait {seconds} seconds and try again."
)
FORBIDDEN = _problem(
    "forbidden", 403, 10416, "This needs the role {role} in the tenant.", "Ask a tenant administrator or an operator."
)
NO_TENANT = _problem(
    "no-tenant",
    403,
    10417,
    "You do not belong to the tenant {tenant}.",
    "Choose one of your tenants, or ask its administrator.",
)
CSRF = _problem(
    "csrf",
    403,
    10418,
    "The form was not sent from this portal, or is too old.",
    "Load the page again and repeat the action.",
)
TOO_MANY = _problem("too-many-requests", 429, 10429, "Too many requests.", "Wait {seconds} seconds and try again.")

# State
WRONG_STATE = _problem(
    "wrong-state",
    409,
    10420,
    "{kind} {name} is {state}; {action} needs it to be {needed}.",
    "Bring it to one of these states first.",
)
BUSY = _problem(
    "busy", 409, 10421, "{kind} {name} is being worked on by job {job}.", "Wait for the job to end, or stop it."
)
IN_USE = _problem("in-use", 409, 10422, "{kind} {name} is used by {users}.", "Release it there first.")
NAME_TAKEN = _problem("name-taken", 409, 10423, "There is a {kind} named {name} already.", "Choose another name.")
JOB_ENDED = _problem("job-ended", 409, 10424, "Job {job} has ended as {state}.", "There is nothing left to stop.")
NOT_CAPABLE = _problem(
    "not-capable",
    409,
    10425,
    "The provider {provider} cannot do this: it lacks {capability}.",
    "Use a provider that states this capability.",
)

CONFLICT = _problem(
    "conflict",
    409,
    10426,
    "Another request changed the same thing at the same time.",
    "Read it again and repeat the request.",
)

# Capacity
QUOTA = _problem(
    "quota-exceeded",
    403,
    10430,
    "The quota of {resource} would be exceeded: {used} used, {wanted} wanted, {ceiling} allowed.",
    "Delete what you no longer need, ask for less, or ask an operator to raise the quota.",
)
NO_CAPACITY = _problem(
    "no-capacity",
    409,
    10431,
    "No host can take it: {why}.",
    "Ask for less, delete or stop machines, or ask an operator to add capacity.",
)
NO_PROVIDER = _problem(
    "no-provider",
    409,
    10432,
    "No provider meets the needs: {why}.",
    "Change the request, or ask an operator for a provider.",
)

IMAGE_REFUSED = _problem(
    "image-refused",
    409,
    10433,
    "The image cannot be brought in: {why}.",
    "Give an image that is what it is stated to be, from a source that everybody can reach or an operator trusts.",
)

# The far end
PROVIDER_FAILED = _problem(
    "provider-failed",
    502,
    10440,
    "The provider {provider} refused: {why}.",
    "Read the job's steps; repeat the request when the cause is gone.",
)
PROVIDER_SILENT = _problem(
    "provider-silent", 504, 10441, "The provider {provider} did not answer in time.", "Try again later."
)
CANCELLED = _problem(
    "cancelled", 409, 10442, "The job was stopped; what it had done was undone.", "Repeat the request if needed."
)
ENGINE_FAILED = _problem(
    "engine-failed", 500, 10443, "The work could not be completed: {why}.", "Tell an operator the job's id."
)
UNAVAILABLE = _problem(
    "unavailable", 503, 10503, "The database does not answer in time.", "Wait a second and repeat the request."
)
INTERNAL = _problem(
    "internal", 500, 10500, "Something went wrong inside Sirocco.", "Tell an operator the request id {request}."
)
PARTLY = _problem(
    "partly-failed",
    409,
    10444,
    "{failed} of {total} nested jobs did not succeed.",
    "Read the nested jobs: each says why; repeat the action for those.",
)
