"""Log lines: what they look like, what they never show, and that nothing can forge one."""

import io
import json
import logging
import os
import sys
from types import MappingProxyType
from uuid import UUID

import pytest
import structlog

from acs_bridge import log

BASE_URL = "https://phan.example.net/r/"
PHAN_URL = f"{BASE_URL}abcdefGHIJKL-mno_pqr"
CUT = f"{BASE_URL}abcdef…"


@pytest.fixture(autouse=True)
def _leave_logging_as_it_was():
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    access = logging.getLogger("aiohttp.access")
    access_level = access.level
    before = structlog.get_config()
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    access.setLevel(access_level)
    structlog.configure(**before)


@pytest.fixture
def written(capsys):
    """Give what has gone to standard output since it was last asked."""
    return lambda: capsys.readouterr().out


def only_line(written) -> dict:
    lines = written().splitlines()
    assert len(lines) == 1
    return json.loads(lines[0])


class TestALine:
    def test_says_first_what_happened_when_and_how_bad_it_is(self, written):
        log.configure()
        structlog.get_logger().info("listening", listener="device", port=7547)
        line = only_line(written)
        assert list(line) == ["event", "timestamp", "level", "listener", "port"]
        assert (line["event"], line["level"], line["listener"], line["port"]) == ("listening", "info", "device", 7547)
        assert line["timestamp"].endswith("Z")

    def test_carries_what_was_bound_to_the_task(self, written):
        log.configure()
        with structlog.contextvars.bound_contextvars(session=7):
            structlog.get_logger().info("inform_taken")
        assert only_line(written)["session"] == 7

    def test_below_the_level_is_not_written(self, written):
        log.configure(level="warning")
        structlog.get_logger().info("inform_taken")
        logging.getLogger("asyncio").info("a library's word")
        assert written() == ""

    def test_holds_values_that_json_does_not_know(self, written):
        log.configure()
        write_id = UUID("0190b5a0-0000-7000-8000-000000000001")
        structlog.get_logger().info("write_settled", write_id=write_id, level_name=logging, body=b"\xffx", codes=(1, 2))
        line = only_line(written)
        assert (line["write_id"], line["body"], line["codes"]) == (str(write_id), "\\xffx", [1, 2])

    def test_is_ascii_so_that_every_terminal_and_collector_takes_it(self, written):
        log.configure(phan_base_url=BASE_URL)
        structlog.get_logger().info("subscriber_created", name="Zoë \u2028 \ud800", url=PHAN_URL)
        text = written()
        assert text.isascii()
        assert json.loads(text)["name"] == "Zoë \u2028 \ud800"

    def test_that_cannot_be_written_does_not_stop_the_daemon(self, monkeypatch):
        class Full(io.StringIO):
            def write(self, text: str) -> int:
                raise OSError(28, "No space left on device")

        log.configure()
        monkeypatch.setattr(sys, "stdout", Full())
        structlog.get_logger().info("inform_taken")
        logging.getLogger("asyncio").warning("a library's word")


class TestALibrarysLine:
    def test_looks_like_ours_and_names_its_logger(self, written):
        log.configure()
        logging.getLogger("asyncio").warning("%s took long", "a task")
        line = only_line(written)
        assert (line["event"], line["level"], line["logger"]) == ("a task took long", "warning", "asyncio")

    def test_is_written_once_however_often_logging_is_set_up(self, written):
        log.configure()
        log.configure()
        logging.getLogger("asyncio").warning("once")
        assert only_line(written)["event"] == "once"

    def test_of_an_http_access_is_not_written_because_paths_hold_tokens(self, written):
        log.configure(level="debug")
        logging.getLogger("aiohttp.access").info("GET /r/abcdef")
        assert written() == ""


class TestSecrets:
    @pytest.mark.parametrize(
        "name",
        [
            "password",
            "Authorization",
            "Set-Cookie",
            "phan_url",
            "token",
            "bearer_token",
            "secret",
            "key",
            "client_secret",
            "ha1",
            "dsn",
        ],
    )
    def test_are_hidden_by_the_name_of_their_value(self, written, name):
        log.configure()
        structlog.get_logger().info("happened", **{name: "hunter2"})
        assert only_line(written)[name] == "[hidden]"

    @pytest.mark.parametrize(
        "name", ["parameter_key", "key_id", "token_name", "state", "keyring", "monkey", "line_of_service"]
    )
    def test_are_not_seen_where_there_are_none(self, written, name):
        log.configure()
        structlog.get_logger().info("happened", **{name: "plain"})
        assert only_line(written)[name] == "plain"

    def test_are_hidden_at_every_depth(self, written):
        log.configure()
        headers = MappingProxyType({"Authorization": "Digest hunter2", "Accept": "*/*"})
        structlog.get_logger().info("refused", request={"headers": headers, "parts": [{"password": "hunter2"}]})
        assert only_line(written)["request"] == {
            "headers": {"Authorization": "[hidden]", "Accept": "*/*"},
            "parts": [{"password": "[hidden]"}],
        }

    def test_deeper_than_we_look_are_hidden_with_all_around_them(self, written):
        log.configure()
        value: object = {"password": "hunter2"}
        for _ in range(20):
            value = [value]
        structlog.get_logger().info("happened", value=value)
        assert "hunter2" not in written()

    @pytest.mark.parametrize("format", ["json", "console"])
    def test_a_phan_url_is_cut_wherever_it_stands(self, written, format):
        log.configure(format, phan_base_url=BASE_URL)
        logger = structlog.get_logger()
        logger.info("sent %s", PHAN_URL, value=PHAN_URL, values=[f"<{PHAN_URL}>"], raw=PHAN_URL.encode())
        logging.getLogger("aiohttp.server").warning("%s", PHAN_URL)
        try:
            raise ValueError(PHAN_URL)
        except ValueError:
            logger.exception("failed")
        text = written()
        assert "abcdefG" not in text
        assert text.count(CUT if format == "console" else json.dumps(CUT)[1:-1]) >= 6

    @pytest.mark.parametrize("format", ["json", "console"])
    def test_a_traceback_shows_no_local_variable(self, written, format):
        log.configure(format)
        local = os.urandom(8).hex()
        try:
            raise ValueError(str(len(local)))
        except ValueError:
            structlog.get_logger().exception("failed")
            logging.getLogger("asyncio").exception("failed")
        text = written()
        assert local not in text
        assert text.count("ValueError: 16") == 2


class TestForging:
    EVIL = 'x\n{"event": "write_settled"}\r\x1b[2K\x00\u2028\u202e'

    def test_a_value_cannot_end_its_json_line(self, written):
        log.configure()
        structlog.get_logger().info(self.EVIL, name=self.EVIL)
        line = only_line(written)
        assert (line["event"], line["name"]) == (self.EVIL, self.EVIL)

    def test_a_value_cannot_end_its_console_line_nor_steer_the_terminal(self, written):
        log.configure("console")
        structlog.get_logger().info(self.EVIL, name=self.EVIL, values=[self.EVIL])
        text = written()
        assert text.count("\n") == 1
        assert not set(text.removesuffix("\n")) & set("\n\r\x1b\x00\u2028\u202e")

    def test_an_error_cannot_begin_a_console_line(self, written):
        log.configure("console")
        try:
            raise ValueError(self.EVIL)
        except ValueError:
            structlog.get_logger().exception("failed")
        first, *traceback = written().splitlines()
        assert "failed" in first
        assert all(line.startswith("  | ") for line in traceback)


def test_a_logger_that_has_written_already_follows_a_new_standard_output(monkeypatch):
    log.configure()
    logger = structlog.get_logger()
    for _ in range(2):
        stream = io.StringIO()
        monkeypatch.setattr(sys, "stdout", stream)
        logger.info("inform_taken")
        assert only_line(stream.getvalue)["event"] == "inform_taken"


def test_a_logger_that_has_written_already_follows_a_new_format(written):
    log.configure("json")
    logger = structlog.get_logger()
    logger.info("inform_taken")
    log.configure("console")
    logger.info("inform_taken")
    first, second = written().splitlines()
    assert first.startswith("{")
    assert not second.startswith("{")
