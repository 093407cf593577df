"""The board of `demo`."""

import io
from itertools import count

import pytest
from rich.console import Console

from acs_bridge.domain.write import WriteState
from acs_bridge.simulator.live import MAX_ROWS, ProvisioningBoard

TOKEN = "k1ABCDEFsecretsecretsecret"
URL = f"https://reports.example.net/r/{TOKEN}"


def plain():
    return Console(file=io.StringIO(), force_terminal=False, width=120)


def terminal():
    return Console(file=io.StringIO(), force_terminal=True, width=140, height=60, _environ={"TERM": "xterm"})


def dumb():
    return Console(file=io.StringIO(), force_terminal=True, width=120, _environ={"TERM": "dumb"})


def text(console):
    return console.file.getvalue()


def board_of(console, expected=2):
    ticks = count()
    return ProvisioningBoard(expected, timer=lambda: float(next(ticks)), console=console)


@pytest.mark.parametrize("console", [plain(), dumb()], ids=["no terminal", "dumb terminal"])
def test_without_a_real_terminal_each_change_is_one_line_of_plain_text(console):
    with board_of(console) as board:
        board.update("line-1", WriteState.QUEUED, gateway="00005E-SIM000001")
        board.update("line-1", "sent", attempts=1)
        board.update("line-1", WriteState.VERIFIED, url=URL)
        board.update("line-1", reporting="09:30:12 UTC")
    assert text(console).splitlines() == [
        "line-1: queued, gateway 00005E-SIM000001, attempts 0",
        "line-1: sent, gateway 00005E-SIM000001, attempts 1",
        "line-1: verified, gateway 00005E-SIM000001, attempts 1, URL k1ABCD…, after 1.00 s",
        "line-1: reporting since 09:30:12 UTC",
    ]


def test_an_update_that_changes_nothing_says_nothing():
    console = plain()
    with board_of(console) as board:
        board.update("line-1", WriteState.QUEUED)
        board.update("line-1", WriteState.QUEUED)
    assert len(text(console).splitlines()) == 1


@pytest.mark.parametrize("console", [plain(), terminal()], ids=["no terminal", "terminal"])
def test_no_more_of_a_phan_url_is_shown_than_six_characters_of_its_token(console):
    with board_of(console, expected=1) as board:
        board.update("line-1", WriteState.VERIFIED, url=URL)
    board.print_summary()
    assert TOKEN[:6] + "…" in text(console)
    assert TOKEN[:7] not in text(console)
    assert TOKEN[:7] not in repr(board._rows)


def test_an_empty_url_means_that_the_gateway_holds_none():
    console = plain()
    with board_of(console) as board:
        board.update("line-1", WriteState.VERIFIED, url=URL)
        board.update("line-1", url="")
    assert "URL" not in text(console).splitlines()[-1]


def test_a_terminal_gets_one_row_for_each_line_of_service():
    console = terminal()
    with board_of(console) as board:
        board.update("line-1", WriteState.SENT)
        board.update("line-2", WriteState.VERIFIED)
    last_view = text(console).rpartition("Line of service")[2]
    assert "line-1" in last_view
    assert "line-2" in last_view


def test_too_many_lines_for_a_table_are_shown_as_sums():
    console = terminal()
    with board_of(console, expected=MAX_ROWS + 1) as board:
        for number in range(MAX_ROWS + 1):
            board.update(f"line-{number}", WriteState.VERIFIED if number else WriteState.REJECTED)
    assert f"{MAX_ROWS} of {MAX_ROWS + 1} lines verified, {MAX_ROWS + 1} settled" in text(console)
    assert "rejected 1" in text(console)
    assert "line-7" not in text(console)


def test_text_from_outside_is_shown_as_it_is():
    console = terminal()
    with board_of(console) as board:
        board.update("[red]line[/red]", WriteState.QUEUED)
    assert "[red]line[/red]" in text(console)


def test_all_are_verified_when_as_many_as_expected_are():
    board = board_of(plain())
    board.update("line-1", WriteState.VERIFIED)
    assert not board.all_verified
    board.update("line-2", WriteState.VERIFIED)
    assert board.all_verified


def test_the_summary_names_every_line_that_is_not_verified():
    console = plain()
    board = board_of(console)
    board.update("line-1", WriteState.VERIFIED)
    board.update("line-2", WriteState.REJECTED)
    board.print_summary()
    said = text(console).splitlines()
    assert "1 of 2 lines verified, in 1.00 s at the median and 1.00 s at most" in said
    assert said[-1].startswith("not verified: line-2: rejected")


def test_a_line_that_has_to_be_verified_again_is_timed_from_its_beginning():
    console = plain()
    with board_of(console) as board:  # the timer counts the updates that look at it
        board.update("line-1", WriteState.VERIFIED)
        board.update("line-1", WriteState.QUEUED)
        board.update("line-1", WriteState.VERIFIED)
    assert text(console).splitlines()[-1].endswith("after 2.00 s")
