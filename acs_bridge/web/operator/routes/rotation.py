"""`/v1/phan/rotation`: how far the rotation of keys is. It is begun on a terminal, where the keyring's file is."""

from http import HTTPStatus

from acs_bridge.errors import NotFound
from acs_bridge.services.urls.rotation import RotationDesk
from acs_bridge.web.operator.models.base import NoBody, NoQuery
from acs_bridge.web.operator.models.rotation import RotationAnswer
from acs_bridge.web.operator.registry import WATCHERS, Answer, AnyRoute, Call, Route


class RotationRoutes:
    """Rotations over HTTP."""

    def __init__(self, rotation: RotationDesk) -> None:
        self._rotation = rotation

    def table(self) -> tuple[AnyRoute, ...]:
        """Say what is served."""
        return (
            Route(
                "GET",
                "/v1/phan/rotation",
                self.show,
                "Show the rotation of keys that is under way, or the last one",
                WATCHERS,
                {HTTPStatus.OK: RotationAnswer},
                refusals=(HTTPStatus.NOT_FOUND,),
            ),
        )

    async def show(self, call: Call[NoQuery, NoBody]) -> Answer:  # noqa: ARG002 -- every handler takes its call
        """Show it."""
        standing = await self._rotation.status()
        if standing is None:
            raise NotFound("the keys have never been rotated")
        return Answer(RotationAnswer.of(standing))
