"""What was read of gateways while nothing was written: one row each, and the count of it all."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from acs_bridge.store.rows import Executor, many, one
from acs_bridge.store.statements import load

_SQL: Final = load("observations")


@dataclass(frozen=True, slots=True)
class Question:
    """What a session is about to ask a gateway."""

    gateway_id: int
    session_number: int
    id: UUID
    software_version: str
    profile: str
    request_id: str
    asked_at: datetime


@dataclass(frozen=True, slots=True)
class StandingQuestion:
    """Where a session stands: what is outstanding, if anything, and the kind of its gateway."""

    id: UUID | None
    request_id: str | None
    root: str
    oui: str
    product_class: str
    software_version: str


@dataclass(frozen=True, slots=True)
class Observed:
    """What came of it."""

    outcome: str
    words: str = ""
    association_id: UUID | None = None
    generation: int | None = None
    key_id: str | None = None


@dataclass(frozen=True, slots=True)
class Surveyed:
    """Gateways of one model with one software version."""

    manufacturer: str
    product_class: str
    software_version: str
    gateways: int
    no_profile: int
    provisionable: int
    missing: int
    too_short: int
    refused: int
    unknown: int  # nobody has looked yet
    with_url: int  # they hold a PHAN URL of this installation
    words: str | None  # what is missing, of one of them


async def ask(executor: Executor, question: Question, attempts: int) -> bool:
    """Begin to look; false where that was done before, or is done by a newer session."""
    asked = (
        question.gateway_id,
        question.session_number,
        question.id,
        question.software_version,
        question.profile,
        question.request_id,
        question.asked_at,
    )
    return await executor.fetchval(_SQL.ask, *asked, attempts) is not None


async def standing(executor: Executor, gateway_id: int, session_number: int) -> StandingQuestion | None:
    """Say where a session stands; None: there is a newer one."""
    return await one(executor, StandingQuestion, _SQL.standing, gateway_id, session_number)


async def answer(executor: Executor, gateway_id: int, question_id: UUID, observed: Observed, now: datetime) -> bool:
    """Keep what came of it; false where somebody else has asked since."""
    kept = (observed.outcome, observed.words, observed.association_id, observed.generation, observed.key_id)
    return await executor.fetchval(_SQL.answer, gateway_id, question_id, now, *kept) is not None


async def holder_of(executor: Executor, association_id: UUID, generation: int, key_id: str) -> int | None:
    """Name the gateway that was seen with this PHAN URL."""
    gateway_id: int | None = await executor.fetchval(_SQL.holder, association_id, generation, key_id)
    return gateway_id


async def line_of(executor: Executor, gateway_id: int) -> str | None:
    """Name the line that a gateway has."""
    line: str | None = await executor.fetchval(_SQL.line, gateway_id)
    return line


async def survey(executor: Executor) -> list[Surveyed]:
    """Count gateways by model and software version, the most frequent first."""
    return await many(executor, Surveyed, _SQL.survey)
