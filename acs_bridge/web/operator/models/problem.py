"""What every error looks like (RFC 9457)."""

from pydantic import Field

from acs_bridge.web.operator.models.base import AnswerModel


class FieldProblem(AnswerModel):
    """A field that cannot be taken, and the limit that it breaks."""

    field: str = Field(description="Its place in the request, as in `subscriber.code`.")
    message: str


class ProblemAnswer(AnswerModel):
    """What went wrong: `title` is the same for every problem of its kind, `detail` says what to do about this one."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[FieldProblem] | None = Field(
        None, description="For bad input: every field that cannot be taken; for a code that is taken: its own."
    )


class ProblemLine(AnswerModel):
    """What a line of an upload got that could not be done."""

    line: int = Field(description="The number of the line in the upload, counted from 1.")
    status: int = Field(description="As the answer to the same request alone would have it.")
    batch_id: str
    type: str
    title: str
    detail: str
    errors: list[FieldProblem] | None = None
