"""Connection requests: ringing gateways, so that a write need not wait for their next Inform.

`doorbell` decides who is rung and keeps what came of it, `address` where a ring may lead, `client` speaks with the
gateway, `ends` notices sessions that are over. Nothing here moves a write.
"""
