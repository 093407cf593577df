"""Which gateway a line shall have, in every way in which it can be named."""

from typing import Final

from pydantic import Field

from acs_bridge.errors import InvalidField, InvalidInput
from acs_bridge.services.pages import MAX_ID
from acs_bridge.services.records.shelf import (
    LONGEST_SUFFIX,
    MOST_HOURS,
    MOST_MINUTES,
    SHORTEST_SUFFIX,
    USUAL_HOURS,
    USUAL_MINUTES,
    Next,
    Suffix,
)
from acs_bridge.store.gateways import Identity
from acs_bridge.web.operator.models.base import GatewayText, MaybeGatewayText, Oui, RequestModel

_SUFFIX: Final = "The last characters of the serial number, as the label shows them."
_NEXT: Final = "Instead of a gateway: whichever comes next, and is on no line."


class NextGateway(RequestModel):
    """The next gateway off the shelf, of this maker and kind or of any, that comes within so many hours.

    It comes for the first time, or begins anew (0 BOOTSTRAP), and is not the one that the line had. One that carries
    the ProvisioningCode of this line is taken before others. One that came for the first time within so many minutes
    before, and that no line ever had, is taken at once; where several did, `warnings` names them, and the line waits.
    """

    oui: Oui | None = None
    product_class: MaybeGatewayText | None = None
    hours: int = Field(USUAL_HOURS, ge=1, le=MOST_HOURS)
    minutes: int = Field(USUAL_MINUTES, ge=0, le=MOST_MINUTES)


class Binding(RequestModel):
    """The gateway that a line shall have; `replace` takes it from another line, which then waits for one.

    With `exchange` the other line gets the one that this line had, at the same moment: each line goes on with another
    URL, and neither box is cleared in between. With `same_box` it is the box that the line has, which informs under
    another OUI or product class since its firmware changed: nothing is cleared under its former name.

    It is named in one of four ways: by its `id`, which names any gateway that has informed, also one whose OUI is none;
    by what it is (`oui`, `serial_number`, and `product_class` where two would fit); by `serial_suffix`, among those
    that are on no line, narrowed by `oui` and `product_class` where several end alike; or as the `next` one.
    """

    id: int | None = Field(None, ge=1, le=MAX_ID)
    oui: Oui | None = None
    product_class: MaybeGatewayText | None = None
    serial_number: GatewayText | None = None
    serial_suffix: str | None = Field(
        None, min_length=SHORTEST_SUFFIX, max_length=LONGEST_SUFFIX, pattern=r"^\S+$", description=_SUFFIX
    )
    next: NextGateway | None = Field(None, description=_NEXT)
    replace: bool = False
    exchange: bool = False
    same_box: bool = False

    @property
    def awaited(self) -> Next | None:
        """Whichever comes next, where that is meant."""
        if self.next is None:
            return None
        if self.model_fields_set - {"next"}:
            raise InvalidField("next", "names the gateway alone: leave out everything else")
        return Next(self.next.oui, self.next.product_class, self.next.hours, self.next.minutes)

    @property
    def named(self) -> int | Identity | Suffix:
        """Name the same in the words of the services."""
        if self.id is not None:
            if self.model_fields_set & {"oui", "product_class", "serial_number", "serial_suffix"}:
                raise InvalidField("id", "names the gateway alone: leave out oui, product_class and serial numbers")
            return self.id
        if self.serial_suffix is not None:
            if self.serial_number is not None:
                raise InvalidField("serial_suffix", "goes without serial_number")
            return Suffix(self.serial_suffix, self.oui, self.product_class)
        missing = [name for name in ("oui", "serial_number") if getattr(self, name) is None]
        if missing:
            raise InvalidInput(*(InvalidField(name, "is required, or id, serial_suffix or next") for name in missing))
        return Identity(self.oui or "", self.serial_number or "", self.product_class)
