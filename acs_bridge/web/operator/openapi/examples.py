"""An example of every body: what stands in the description, and what a reader sees first."""

from http import HTTPStatus
from types import UnionType
from typing import Any, Final, TypeAlias, get_args

from pydantic import BaseModel

from acs_bridge.domain.write import WriteState
from acs_bridge.services.notifications.notices import Notice
from acs_bridge.web.operator.models import (
    audit,
    bindings,
    health,
    profiles,
    provisioning,
    queue,
    records,
    rotation,
    search,
    transcripts,
)
from acs_bridge.web.operator.models.problem import ProblemAnswer
from acs_bridge.web.operator.openapi.problem_examples import problem_example
from acs_bridge.web.operator.openapi.webhook_examples import WEBHOOK_EXAMPLES

Example: TypeAlias = dict[str, Any]

_MADE, _MOVED, _INFORMED = "2026-05-04T08:15:00Z", "2026-05-04T08:15:42Z", "2026-05-04T08:15:40Z"
_ASSOCIATION, _WRITE = "019b2f3a-6c1e-7d2a-8f4b-2c9d1e0a7b51", "019b2f3a-6c1f-7a90-9b33-5d0f4c2e8a17"
_REQUEST, _BATCH = "019b2f3a-6c20-74c8-a1d5-0e7b9f3c6d28", "019b2f3a-6c21-7e14-b6f2-93a8c5d07e4f"
_LINE, _CODE, _NAME = "LOS-1001", "C-1001", "Ann Example"
_URL = "https://phan.example.net/r/k1AbCdEf_0123456789-example"
_IDENTITY: Final[Example] = {"oui": "00005E", "product_class": "HG-1", "serial_number": "SN000001"}
CSV_EXAMPLE: Final = (
    "subscriber_name,subscriber_code,line_of_service,oui,product_class,serial_number\r\n"
    f"{_NAME},{_CODE},{_LINE},00005E,HG-1,SN000001\r\n"
)
_SUBSCRIBER: Final[Example] = {"name": _NAME, "code": _CODE}
_GATEWAY: Final[Example] = {"id": 42, **_IDENTITY, "last_inform_at": _INFORMED}
_COUNTS: Final[Example] = {**dict.fromkeys(map(str, WriteState), 0), "queued": 4, "verified": 1202, "rejected": 2}
_LEFT: Final[Example] = {"id": _WRITE, "detail": "somebody else moved this write at this very moment: look again"}
_MADE_BY: Final[Example] = {"created_at": _MADE, "created_by": "token:crm"}
_REPORTING: Final[Example] = {"report_state": "reporting", "reporting_since": _MOVED, "last_report_at": _INFORMED}
_ASSOCIATED: Final[Example] = {
    "id": _ASSOCIATION,
    "subscriber_code": _CODE,
    "subscriber_name": _NAME,
    "line_of_service": _LINE,
    "state": "active",
    "write_id": _WRITE,
    "write_state": "verified",
    "generation": 1,
    "key_id": "k1",
    "issued_at": _MADE,
    **_MADE_BY,
    "ended_at": None,
    "ended_by": None,
    **_REPORTING,
}
_RECEIPT: Final[Example] = {
    "id": _REQUEST,
    "association_id": _ASSOCIATION,
    "write_id": _WRITE,
    "state": "queued",
    "warnings": [],
}
_OPENED: Final[Example] = {
    "line_of_service": _LINE,
    "association_id": _ASSOCIATION,
    "active": True,
    "issued_at": _MADE,
    "key_id": "k1",
    "gateway_matches": True,
}
_REFUSED: Final[Example] = {
    "id": _WRITE,
    "purpose": "provision",
    "cause": "associated",
    "state": "rejected",
    "event": "refused",
    "association_id": _ASSOCIATION,
    "line_of_service": _LINE,
    "subscriber_code": _CODE,
    "gateway": _GATEWAY,
    "batch_id": _BATCH,
    "generation": 1,
    "key_id": "k1",
    "attempts": 1,
    "fault": {
        "code": 9005,
        "text": "Invalid parameter name",
        "parameters": [],
        "meaning": "the gateway does not have a parameter of this name",
    },
    "proof": None,
    "profile": "example-tr098",
    "waiting_for": None,
    "expected_at": None,
    "due_at": _MADE,
    "created_at": _MADE,
    "moved_at": _MOVED,
    "moved_by": None,
    "finished_at": _MOVED,
}
_VERIFIED: Final[Example] = {
    **_REFUSED,
    "state": "verified",
    "event": "read_back_equal",
    "fault": None,
    "proof": "read_back",
}
_HAPPENED: Final[Example] = {
    "at": _MOVED,
    "event": "read_back_equal",
    "by": None,
    "write_id": _WRITE,
    "from_state": "applied",
    "to_state": "verified",
    "gateway_id": 42,
    "cause": None,
    "fault": None,
    "ring": None,
}
_PROFILE: Final[Example] = {
    "name": "acme-3000",
    "source": "/etc/acs-bridge/profiles/acme-3000.toml",
    "match": {"root": "InternetGatewayDevice.", "oui": ["00236A"], "product_class": "SR*", "software_version": None},
    "parameters": [
        {
            "name": "InternetGatewayDevice.X_ACME_Analytics.URL",
            "value": "{phan_url}",
            "type": "xsd:string",
            "max_length": 256,
            "clear": "",
        }
    ],
    "instance": None,
    "quirks": ["boolean_words"],
    "blocks": [
        {
            "match": {"root": None, "oui": [], "product_class": None, "software_version": "2.6.3"},
            "reason": "2.6.3 loses the value at every boot; ACME promised 2.6.4",
            "until": "2027-01-31T00:00:00Z",
        }
    ],
}
_RUNG: Final[Example] = {
    "at": _INFORMED,
    "result": "rung",
    "words": "the gateway was rung",
    "http_status": 200,
    "count": 3,
}

EXAMPLES: Final[dict[type[BaseModel], Example]] = {
    health.Health: {"status": "ok"},
    records.NewSubscriber: _SUBSCRIBER,
    records.Renaming: {"name": "Ann Sample"},
    records.SubscriberAnswer: {**_SUBSCRIBER, "lines": 1, "created_at": _MADE, "updated_at": _MADE},
    records.NewDevice: {"line_of_service": _LINE, "gateway": _IDENTITY},
    bindings.NextGateway: {"oui": "00005E", "product_class": "HG-1", "hours": 72},
    bindings.Binding: {**_IDENTITY, "replace": False},
    records.AwaitedGateway: {"oui": "00005E", "product_class": "HG-1", "until": _MOVED},
    records.DeviceAnswer: {
        "line_of_service": _LINE,
        "gateway": _GATEWAY,
        "associated": True,
        "association_id": _ASSOCIATION,
        "subscriber_code": _CODE,
        "subscriber_name": _NAME,
        **_REPORTING,
        "awaits": None,
        "created_at": _MADE,
        "updated_at": _MADE,
        "warnings": [],
    },
    records.NewGateway: {**_IDENTITY, "cpe_username": "00005E-SN000001", "cpe_password": "what the gateway has"},
    records.StockAnswer: {"id": 42, **_IDENTITY, "pair": "imported"},
    records.NewCredentials: {"username": "00005E-SN000001", "password": "what the gateway has"},
    records.ConnectionRequestAnswer: _RUNG,
    records.GatewayAnswer: {
        "id": 42,
        **_IDENTITY,
        "line_of_service": _LINE,
        "manufacturer": "Example Networks",
        "hardware_version": "1.0",
        "software_version": "2.6.1",
        "root": "InternetGatewayDevice.",
        "provisioning_code": "",
        "profile": "example-tr098",
        "address": "198.51.100.7",
        "events": ["2 PERIODIC"],
        "approved_at": _MADE,
        "approved_by": "token:ops",
        "first_inform_at": _MADE,
        "last_inform_at": _INFORMED,
        "next_inform_at": "2026-05-05T08:15:40Z",
        "booted_at": None,
        "connection_request": _RUNG,
        "pair": "own",
        "quarantine": [],
        "candidate_for": None,
    },
    records.Candidacy: {"line_of_service": _LINE, "gateway_id": 41, "reason": "serial_number"},
    provisioning.NewAssociation: {"subscriber_code": _CODE, "line_of_service": _LINE},
    provisioning.AssociationAnswer: _ASSOCIATED,
    provisioning.LinesQuestion: {"lines_of_service": [_LINE, "LOS-1002"]},
    provisioning.LinesAnswer: {"items": [_ASSOCIATED], "missing": ["LOS-1002"]},
    provisioning.MomentAnswer: _HAPPENED,
    provisioning.Revealed: {"phan_url": _URL},
    rotation.RotationAnswer: {
        "id": _BATCH,
        "key_id": "k2",
        "former_keys": ["k1"],
        "per_minute": 600,
        "paused": False,
        "started_at": _MADE,
        "started_by": "cli:ops",
        "finished_at": None,
        "lines": {"total": 1215, "waiting": 215, "under_way": 12, "unsuccessful": 1, "done": 988},
    },
    provisioning.NewRequest: {"subscriber": _SUBSCRIBER, "line_of_service": _LINE, "gateway": _IDENTITY},
    provisioning.RequestAnswer: _RECEIPT,
    provisioning.RequestLine: {**_RECEIPT, "line": 1, "status": 201, "batch_id": _BATCH},
    provisioning.RequestStory: {
        **_RECEIPT,
        "state": "verified",
        **_MADE_BY,
        "association": _ASSOCIATED,
        "write": _VERIFIED,
        "timeline": {"items": [_HAPPENED], "next": None},
    },
    provisioning.PhanQuestion: {"urls": [{"url": _URL, "oui": "00005E", "serial_number": "SN000001"}]},
    provisioning.PhanAnswer: _OPENED,
    provisioning.PhanAnswers: {"items": [_OPENED, {"error": "This is not a PHAN URL of this daemon"}]},
    profiles.ProfilesAnswer: {"items": [_PROFILE], "loaded_at": _MADE, "warnings": []},
    profiles.PlanAnswer: {
        "gateway_id": 42,
        "profile": "acme-3000",
        "purpose": "provision",
        "write_id": _WRITE,
        "state": "queued",
        "blocked": None,
        "unfit": None,
        "requests": [
            {
                "rpc": "SetParameterValues",
                "when": "at once",
                "names": None,
                "parameters": [
                    {
                        "name": "InternetGatewayDevice.X_ACME_Analytics.URL",
                        "type": "xsd:string",
                        "value": "https://phan.example.net/r/k1AbCd…",
                    }
                ],
            },
            {
                "rpc": "GetParameterValues",
                "when": "when the gateway took it, to see what it holds",
                "names": ["InternetGatewayDevice.X_ACME_Analytics.URL"],
                "parameters": None,
            },
        ],
    },
    queue.WriteAnswer: _REFUSED,
    queue.BrakeBody: {"software_version": "2.6.1"},
    queue.RateBody: {"writes_per_minute": 6000},
    queue.ChoiceBody: {"fault": "9002", "state": "failed", "limit": 100},
    queue.LeftAnswer: _LEFT,
    queue.MovedAnswer: {"moved": 99, "refused": [_LEFT], "next": None},
    queue.QueueAnswer: {
        "counts": _COUNTS,
        "oldest_queued_seconds": 41.5,
        "gateways": {"known": 1215, "unclaimed": 4, "overdue": 1, "quarantined": 0},
        "reports": {"waiting": 2, "reporting": 1200, "silent": 3, "spooled": 40, "spooled_bytes": 81920},
        "paused": True,
        "brakes": [
            {"batch": None, "profile": None, "software_version": "2.6.1", "set_at": _MADE, "set_by": "token:ops"}
        ],
        "rate": {"writes_per_minute": None, "effective": 6000},
    },
    transcripts.NewTranscript: {"sessions": 3, "minutes": 60},
    transcripts.TranscriptAnswer: {
        "gateway_id": 42,
        "recording": False,
        "sessions": 1,
        "sessions_left": 0,
        "until": _MOVED,
        "started_at": _MADE,
        "started_by": "token:ops",
        "truncated": False,
        "entries": [
            {
                "at": _INFORMED,
                "session": 118,
                "direction": "received",
                "status": None,
                "size": 1204,
                "headers": {"Content-Type": "text/xml", "User-Agent": "CPE/1.0"},
                "message": "SetParameterValuesResponse",
                "note": None,
                "body": ["Envelope", "  Body", "    SetParameterValuesResponse", "      Status: 1"],
            }
        ],
    },
    queue.BatchUndoneAnswer: {
        "queued": [_WRITE],
        "refused": [
            {"write_id": _REQUEST, "reason": "something newer has been written into this gateway since, or waits to be"}
        ],
        "next": None,
    },
    queue.BatchAnswer: {"id": _BATCH, "created_at": _MADE, "writes": 1215, "counts": _COUNTS, "paused": False},
    search.SearchAnswer: {
        "items": [
            {
                "kind": "device",
                "match": "begins",
                "subscriber_code": _CODE,
                "subscriber_name": _NAME,
                "line_of_service": _LINE,
                "lines": None,
                "first_lines": [],
                "gateway": {"id": 42, **_IDENTITY},
            }
        ],
        "complete": True,
    },
    audit.DeedAnswer: {
        "id": 4711,
        "at": _MADE,
        "actor": "token:crm",
        "address": "192.0.2.7",
        "action": "association_created",
        "association_id": _ASSOCIATION,
        "write_id": _WRITE,
        "subscriber_id": 17,
        "subscriber_code": _CODE,
        "line_of_service": _LINE,
        "gateway": {"id": 42, **_IDENTITY},
        "detail": {},
    },
    audit.ChainAnswer: {"head": {"n": 4711, "hash": "9f" * 32}, "cut": None, "awaiting": 0},
    **WEBHOOK_EXAMPLES,
    Notice: {
        "id": "1-4711-17",
        "write_id": _WRITE,
        "move": 4,
        "purpose": "provision",
        "association_id": _ASSOCIATION,
        "line_of_service": _LINE,
        "subscriber_code": _CODE,
        "batch_id": _BATCH,
        "gateway_id": 42,
        "from_state": "applied",
        "event": "read_back_equal",
        "to_state": "verified",
        "at": _MOVED,
        "by": None,
        "attempts": 1,
        "fault_code": None,
    },
}
_NOTICE: Final = EXAMPLES[Notice]
MESSAGE: Final[Example] = {"type": "write.verified", "timestamp": _MOVED, "sequence": 17, "data": _NOTICE}
"""What a webhook gets."""


def example_of(model: type[BaseModel] | UnionType, status: HTTPStatus | None = None) -> Example:
    """Give the example of a body as it stands beside its schema; nothing where there is none."""
    if isinstance(model, UnionType):
        return {"examples": {each.__name__: {"value": EXAMPLES[each]} for each in get_args(model) if each in EXAMPLES}}
    if model is ProblemAnswer and status is not None:
        return {"example": problem_example(status)}
    if model in EXAMPLES:
        return {"example": EXAMPLES[model]}
    listed = getattr(model, "__pydantic_generic_metadata__", {}).get("args", ())
    return {"example": {"items": [EXAMPLES[listed[0]]], "next": None}} if listed and listed[0] in EXAMPLES else {}
