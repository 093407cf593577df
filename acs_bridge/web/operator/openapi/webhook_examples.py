"""An example of every body about webhooks."""

from typing import Any, Final

from pydantic import BaseModel

from acs_bridge.web.operator.models import webhooks

_MADE, _MOVED = "2026-05-04T08:15:00Z", "2026-05-04T08:15:42Z"
_SECRET = "whsec_bm90IGEgc2VjcmV0LCBhbiBleGFtcGxlIG9mIG9uZQ=="  # noqa: S105 -- it says so itself
_TOLD: Final[dict[str, Any]] = {
    "id": "019b2f3a-6c22-70bd-8e61-4fa2b7c90d35",
    "url": "https://crm.example.net/acs",
    "events": ["verified", "rejected", "failed", "cancelled", "superseded"],
    "created_at": _MADE,
    "created_by": "token:ops",
    "former_secret_until": None,
    "health": "well",
    "failures_in_a_row": 0,
    "failing_since": None,
    "resting_until": None,
    "last_success_at": _MOVED,
    "last_failure_at": None,
    "words": None,
    "pending": 0,
    "parked": 0,
}

WEBHOOK_EXAMPLES: Final[dict[type[BaseModel], dict[str, Any]]] = {
    webhooks.NewWebhook: {"url": "https://crm.example.net/acs", "events": ["verified", "rejected", "failed"]},
    webhooks.NewSecret: {"secret": _SECRET},
    webhooks.WebhookAnswer: _TOLD,
    webhooks.WebhookMade: {**_TOLD, "health": "untried", "last_success_at": None, "secret": _SECRET},
    webhooks.WebhookList: {"items": [_TOLD]},
    webhooks.DeliveryAnswer: {
        "id": 7,
        "event": "write.verified",
        "write_id": "019b2f3a-6c1f-7a90-9b33-5d0f4c2e8a17",
        "state": "delivered",
        "attempts": 1,
        "created_at": _MOVED,
        "attempted_at": _MOVED,
        "status": 204,
        "seconds": 0.042,
        "words": None,
        "next_attempt_at": None,
        "finished_at": _MOVED,
    },
    webhooks.Replay: {"since": _MADE, "until": "2026-05-05T00:00:00Z"},
    webhooks.Replayed: {"replayed": 12},
    webhooks.TestAnswer: {"delivered": True, "status": 204, "seconds": 0.042, "words": "the endpoint took it"},
}
