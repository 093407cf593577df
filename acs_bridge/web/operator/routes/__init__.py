"""The routes of `/v1`, a module for each subject: every handler is a few lines that call one service."""
