"""The console: the pages that people use. A page asks the services that `/v1` asks, and changes things over `/v1`."""
