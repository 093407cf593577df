"""HTTP bulk data (TR-069 Annex N), sans-IO: the reports that gateways post, in all four forms, read and written.

It reads what came, says why it could not, and never quotes a value: a report is its customer's affair.
"""

from cwmp.bulkdata.reading import read
from cwmp.bulkdata.report import Form, Record, Report, UnreadableReport, Value
from cwmp.bulkdata.writing import CSV_TYPE, JSON_TYPE, write

__all__ = ["CSV_TYPE", "JSON_TYPE", "Form", "Record", "Report", "UnreadableReport", "Value", "read", "write"]
