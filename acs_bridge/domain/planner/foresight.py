"""What a write will ask of its gateway if all goes well, told in advance; the other modules decide what is asked."""

from dataclasses import dataclass

from acs_bridge.domain.planner.values import begin, next_tag
from acs_bridge.domain.planner.words import Asked, OpenWrite, Request, Wanted


@dataclass(frozen=True, slots=True)
class Foreseen:
    """A request, and when it is sent."""

    request: Request
    when: str  # a plain sentence


def foresee(write: OpenWrite, wanted: Wanted) -> tuple[Foreseen, ...]:
    """Give the requests of a queued write, in their order."""
    first = begin(write, wanted)
    looks = first.plan.asked is Asked.READ
    requests = [Foreseen(wanted.read(), "first, because the gateway may have it")] if looks else []
    requests.append(Foreseen(wanted.set(next_tag(write)), "unless that is what it reads" if looks else "at once"))
    if wanted.readable:
        requests.append(Foreseen(wanted.read(), "when the gateway took it, to see what it holds"))
    return tuple(requests)
