"""Every page of the console, made of the services that it shows."""

from typing import TYPE_CHECKING

from acs_bridge.domain.clock import Clock
from acs_bridge.web.operator.console.audit import AuditPage
from acs_bridge.web.operator.console.gateways import GatewaysPage
from acs_bridge.web.operator.console.line import LinePage
from acs_bridge.web.operator.console.password import PasswordPage
from acs_bridge.web.operator.console.provisioning import ProvisioningPage
from acs_bridge.web.operator.console.queue import QueuePage
from acs_bridge.web.operator.console.registry import Page
from acs_bridge.web.operator.console.search import SearchPage
from acs_bridge.web.operator.console.users import UsersPage

if TYPE_CHECKING:  # at run time this is the end of a circle
    from acs_bridge.web.operator.application import Services


def console_pages(services: "Services", clock: Clock) -> tuple[Page, ...]:
    """Give them in the order of the navigation."""
    return (
        *QueuePage(services.queue, services.writes, services.history).table(),
        *GatewaysPage(services.gateways, services.devices, services.writes, clock).table(),
        *ProvisioningPage(services.subscribers, services.devices, services.associations, services.writes).table(),
        *LinePage(
            services.devices, services.associations, services.gateways, services.writes, services.transcripts
        ).table(),
        *SearchPage(services.search).table(),
        *UsersPage(services.users, services.logins).table(),
        *AuditPage(services.audit).table(),
        *PasswordPage(services.logins).table(),
    )
