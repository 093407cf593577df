"""Who wants to know what moved: followers of the stream of events, and webhooks."""
