"""How far a rotation of the keys of PHAN URLs is."""

from uuid import UUID

from pydantic import Field

from acs_bridge.store.rotations import RotationRow
from acs_bridge.web.operator.models.base import AnswerModel, Time


class RotationLines(AnswerModel):
    """Lines by how far they are."""

    total: int = Field(description="Lines that had a URL of another key when the rotation began.")
    waiting: int = Field(description="Lines that still have one.")
    under_way: int = Field(description="Lines whose new URL is not verified yet: the former one counts beside it.")
    unsuccessful: int = Field(description="Of those: the write was rejected or has failed; retry it.")
    done: int


class RotationAnswer(AnswerModel):
    """A rotation; its `id` is the batch of its writes, by which it can be paused."""

    id: UUID
    key_id: str
    former_keys: list[str] = Field(description="Keys that seal nothing any more, and open until the rotation is over.")
    per_minute: int
    paused: bool
    started_at: Time
    started_by: str
    finished_at: Time | None
    lines: RotationLines

    @classmethod
    def of(cls, row: RotationRow) -> "RotationAnswer":
        """Make the answer of a record."""
        lines = RotationLines(
            total=row.lines,
            waiting=row.waiting,
            under_way=row.under_way,
            unsuccessful=row.unsuccessful,
            done=row.done,
        )
        return cls(
            id=row.id,
            key_id=row.key_id,
            former_keys=row.former_keys or [],
            per_minute=row.per_minute,
            paused=row.paused,
            started_at=row.started_at,
            started_by=row.started_by,
            finished_at=row.finished_at,
            lines=lines,
        )
