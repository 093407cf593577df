"""`/v1/profiles`, and what one gateway would be sent by them."""

from http import HTTPStatus

from acs_bridge.services.profiles.reloading import Reloading
from acs_bridge.services.session.plans import Plans
from acs_bridge.web.operator.models.base import NoBody, NoQuery
from acs_bridge.web.operator.models.profiles import PlanAnswer, ProfilesAnswer
from acs_bridge.web.operator.registry import ADMINS, READERS, Answer, AnyRoute, Call, Route
from acs_bridge.web.operator.routes.places import number_in


class ProfileRoutes:
    """Profiles over HTTP."""

    def __init__(self, reloading: Reloading, plans: Plans) -> None:
        self._reloading = reloading
        self._plans = plans

    def table(self) -> tuple[AnyRoute, ...]:
        """Say what is served."""
        all_of_them = {HTTPStatus.OK: ProfilesAnswer}
        return (
            Route("GET", "/v1/profiles", self.list, "List the profiles in force", READERS, all_of_them),
            Route(
                "POST",
                "/v1/profiles/reload",
                self.reload,
                "Read the profile files again, and put them into force",
                ADMINS,
                all_of_them,
            ),
            Route(
                "GET",
                "/v1/gateways/{id}/plan",
                self.plan,
                "Show what a gateway would be sent",
                READERS,
                {HTTPStatus.OK: PlanAnswer},
                refusals=(HTTPStatus.NOT_FOUND,),
            ),
        )

    async def list(self, call: Call[NoQuery, NoBody]) -> Answer:  # noqa: ARG002 -- every handler takes its call
        """List them."""
        return Answer(ProfilesAnswer.of(self._reloading.in_force))

    async def reload(self, call: Call[NoQuery, NoBody]) -> Answer:
        """Read them again."""
        return Answer(ProfilesAnswer.of(await self._reloading.reload(call.actor)))

    async def plan(self, call: Call[NoQuery, NoBody]) -> Answer:
        """Look ahead for one gateway."""
        plan = await self._plans.of_gateway(number_in(call.path["id"], "gateway"))
        return Answer(PlanAnswer.of(plan, self._plans.scrub))
