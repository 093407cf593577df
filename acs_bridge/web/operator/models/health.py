"""Whether the daemon lives and is ready."""

from typing import Literal

from acs_bridge.web.operator.models.base import AnswerModel


class Health(AnswerModel):
    """All is well; anything else is a problem."""

    status: Literal["ok"] = "ok"
