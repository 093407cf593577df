"""Everything about webhooks, made of what the settings say: the use cases, and what empties the outbox."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from acs_bridge.domain.clock import Clock
from acs_bridge.domain.keyring import Keyring
from acs_bridge.services.notifications.deliveries import Bounds, Deliveries
from acs_bridge.services.notifications.posting import Poster, posting_rules
from acs_bridge.services.notifications.webhooks import Secrets, Webhooks
from acs_bridge.services.pulse import Pulse
from acs_bridge.settings import Webhooks as WebhookSettings
from acs_bridge.store.database import Database


@dataclass(frozen=True, slots=True)
class Chance:
    """What nobody can guess: bytes for secrets, and a number in [0, 1) that spreads retries."""

    bytes: Callable[[int], bytes]
    number: Callable[[], float]


class Outbox:
    """Webhooks and their deliveries; posts only while it is open."""

    def __init__(self, database: Database, clock: Clock, keyring: Keyring, settings: WebhookSettings) -> None:
        self._database = database
        self._clock = clock
        self._secrets = Secrets(keyring)
        self._settings = settings
        self._poster = Poster(posting_rules(settings))

    def open(self) -> AbstractAsyncContextManager[object]:
        """Be ready to post until the block ends."""
        return self._poster.open()

    def webhooks(self, chance: Chance) -> Webhooks:
        """What Admins do."""
        return Webhooks(self._database, self._clock, self._secrets, self._poster, chance.bytes)

    def deliveries(self, pulse: Pulse, chance: Chance, on_attempt: Callable[[str], None]) -> Deliveries:
        """What empties it; `on_attempt` hears how each attempt ended."""
        return Deliveries(
            self._database,
            self._clock,
            self._secrets,
            self._poster,
            pulse,
            random=chance.number,
            bounds=Bounds(self._settings.at_once, self._settings.per_second),
            on_attempt=on_attempt,
        )
