"""What went wrong with a write, in the gateway's words and in ours."""

from pydantic import computed_field

from acs_bridge.web.operator.models.base import AnswerModel
from cwmp.faults import fault_code


class ParameterFaultAnswer(AnswerModel):
    """What a gateway said about one parameter; `text` is in its words, `meaning` in ours."""

    name: str
    code: int | None
    text: str

    @computed_field  # type: ignore[prop-decorator]  # as pydantic wants it
    @property
    def meaning(self) -> str:
        """The code in a plain sentence."""
        return self.text if self.code is None else fault_code(self.code).meaning


class FaultAnswer(AnswerModel):
    """The last fault of a write: `text` in the gateway's words, `meaning` in ours; without a code both are ours."""

    code: int | None
    text: str
    parameters: list[ParameterFaultAnswer]

    @computed_field  # type: ignore[prop-decorator]  # as pydantic wants it
    @property
    def meaning(self) -> str:
        """The code in a plain sentence, and what to do about it."""
        return self.text if self.code is None else fault_code(self.code).meaning
