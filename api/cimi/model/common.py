"""Credentials, jobs, events, metadata and the entry point."""

from api.cimi.model.attribute import (
    ONLY_1,
    ONLY_2,
    Access,
    Attribute,
    Type,
    boolean,
    collection,
    data,
    integer,
    mapping,
    moment,
    reference,
    structure,
    text,
    uri,
)
from api.cimi.model.kind import SHARED, Kind
from sirocco.contracts.states import JobState

CREATE, EDIT = Access.CREATE, Access.EDIT

_LOGIN = (
    text("userName", column="user_name", access=EDIT, longest=255, versions=ONLY_1),
    text("password", access=EDIT, secret=True, longest=1024, versions=ONLY_1, description="Never shown."),
    Attribute("key", Type.HEX, access=EDIT, longest=32768, versions=ONLY_1, description="The public key's bytes."),
    mapping("parameters", access=EDIT, versions=ONLY_2, description="userName, password (never shown), key."),
    text("sirocco_publicKey", column="public_key", access=EDIT, longest=16384, description="In OpenSSH's form."),
)

CREDENTIAL = Kind(
    "Credential",
    "credentials",
    "credentials",
    _LOGIN,
    template="credentialTemplate",
    operations_first=True,
    description="What machines let their users in by.",
)

CREDENTIAL_TEMPLATE = Kind(
    "CredentialTemplate",
    "credentialTemplates",
    "credentialTemplates",
    (*_LOGIN, SHARED),
    operations_first=True,
    description="How to make a credential.",
)

JOB = Kind(
    "Job",
    "jobs",
    "jobs",
    (
        text("state", column="state", values=tuple(JobState)),
        reference("targetResource", ""),
        reference("affectedResources", "", many=True, element="affectedResource"),
        uri("action", column="action", under="action"),
        integer("returnCode", column="return_code"),
        integer("progress", column="progress"),
        text("statusMessage", column="status_message"),
        moment("timeOfStatusChange", column="status_changed"),
        reference("parentJob", "Job", column="parent_id"),
        reference("nestedJobs", "Job", many=True, element="nestedJob"),
        text("sirocco_code", column="error", description="The stable code of what went wrong."),
        text("sirocco_remedy", description="What to do about it."),
        structure(
            "sirocco_steps",
            text("name"),
            text("state"),
            moment("started"),
            moment("ended"),
            integer("attempts"),
            text("message"),
            many=True,
            element="sirocco_step",
            description="What the job has done so far.",
        ),
        text("sirocco_request", description="The id of the refused request."),
        mapping("sirocco_details", description="What the message speaks of."),
    ),
    operations_inlined=False,
    description="A request being carried out.",
)

EVENT_LOG = Kind(
    "EventLog",
    "eventLogs",
    "eventLogs",
    (
        reference("targetResource", "", column="target"),
        collection("events", "Event"),
        text("persistence"),
        structure("summary", integer("low"), integer("medium"), integer("high"), integer("critical")),
    ),
    description="What happened to a resource.",
)

_CONTENT = ("resName", "resource", "resType", "state", "previous", "change", "code", "detail", "operation", "initiator")

EVENT = Kind(
    "Event",
    "",
    "events",
    (
        moment("timestamp", column="timestamp"),
        uri("type", column="type", under="event"),
        structure("content", *(text(name) for name in _CONTENT)),
        text("outcome", column="outcome", values=("Pending", "Unknown", "Status", "Success", "Warning", "Failure")),
        text("severity", column="severity", values=("critical", "high", "medium", "low")),
        text("contact"),
    ),
    description="One thing that happened.",
)

RESOURCE_METADATA = Kind(
    "ResourceMetadata",
    "resourceMetadata",
    "resourceMetadata",
    (
        uri("id"),
        uri("typeURI"),
        text("name"),
        structure(
            "attributes",
            text("name", flat=True),
            uri("namespace", flat=True),
            text("type", flat=True),
            boolean("required", flat=True, versions=ONLY_1),
            boolean("providerMandatory", flat=True, versions=ONLY_2),
            boolean("consumerMandatory", flat=True, versions=ONLY_2),
            boolean("mutable", flat=True, versions=ONLY_2),
            boolean("consumerWritable", flat=True, versions=ONLY_2),
            many=True,
            element="attribute",
        ),
        structure(
            "capabilities",
            text("name", flat=True),
            uri("uri", flat=True),
            text("description", flat=True),
            text("value", body=True),
            many=True,
            element="capability",
        ),
        structure(
            "actions",
            text("name", flat=True),
            uri("uri", flat=True),
            text("description", flat=True),
            text("method", flat=True),
            text("inputMessage", flat=True),
            text("outputMessage", flat=True),
            many=True,
            element="action",
        ),
        data("vscope", many=True, versions=ONLY_2),
    ),
    common=False,
    description="What a kind of resource has and can do here.",
)

KINDS = (RESOURCE_METADATA, CREDENTIAL, CREDENTIAL_TEMPLATE, JOB, EVENT_LOG, EVENT)
