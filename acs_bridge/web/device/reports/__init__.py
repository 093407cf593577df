"""The reports that gateways post, beside CWMP on the same listener: with bounds of their own, so that no session waits.

Nothing of a report, of its query or of its token is ever logged.
"""

from acs_bridge.web.device.reports.endpoint import ReportsEndpoint
from acs_bridge.web.device.reports.login import ReportGate
from acs_bridge.web.device.reports.room import Room

__all__ = ["ReportGate", "ReportsEndpoint", "Room"]
