"""`/v1/audit`: who did what, when and from where.

For Admins only, though a CSR reads everything else: it tells what colleagues do and where they sit, and who tried to
log in as whom. What was done to one line stands in its association's timeline, which CSRs read.
"""

from http import HTTPStatus

from acs_bridge.services.audit import AuditTrail
from acs_bridge.web.operator.models.audit import AuditQuery, ChainAnswer, DeedAnswer
from acs_bridge.web.operator.models.base import Listing, NoBody, NoQuery
from acs_bridge.web.operator.registry import ADMINS, Answer, AnyRoute, Call, Route


class AuditRoutes:
    """The audit trail over HTTP."""

    def __init__(self, audit: AuditTrail) -> None:
        self._audit = audit

    def table(self) -> tuple[AnyRoute, ...]:
        """Say what is served."""
        return (
            Route(
                "GET",
                "/v1/audit",
                self.list,
                "List what was done, by whom, when and from where",
                ADMINS,
                {HTTPStatus.OK: Listing[DeedAnswer]},
                query=AuditQuery,
            ),
            Route(
                "GET",
                "/v1/audit/chain",
                self.chain,
                "Show how the chain of the audit trail stands",
                ADMINS,
                {HTTPStatus.OK: ChainAnswer},
            ),
        )

    async def list(self, call: Call[AuditQuery, NoBody]) -> Answer:
        """List it."""
        page = await self._audit.page(call.query.ask, call.query.question)
        return Answer(Listing[DeedAnswer].of(page, DeedAnswer.of))

    async def chain(self, _: Call[NoQuery, NoBody]) -> Answer:
        """Show the head of the chain."""
        return Answer(ChainAnswer.of(await self._audit.chain()))
