"""Every page of the console, made of the services that it shows."""

from typing import TYPE_CHECKING

from acs_bridge.web.operator.console.password import PasswordPage
from acs_bridge.web.operator.console.provisioning import ProvisioningPage
from acs_bridge.web.operator.console.queue import QueuePage
from acs_bridge.web.operator.console.registry import Page

if TYPE_CHECKING:  # at run time this is the end of a circle
    from acs_bridge.web.operator.application import Services


def console_pages(services: "Services") -> tuple[Page, ...]:
    """Give them in the order of the navigation."""
    return (
        *QueuePage(services.queue, services.writes, services.history).table(),
        *ProvisioningPage(services.subscribers, services.devices, services.associations, services.writes).table(),
        *PasswordPage(services.logins).table(),
    )
