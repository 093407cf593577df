"""Logging in, beside what a browser sees of it: what a password costs, and that nobody is told by the time it takes."""

import asyncio
import os
import threading
from datetime import timedelta

import pytest
from argon2 import Parameters, PasswordHasher, Type, extract_parameters
from argon2.exceptions import VerifyMismatchError
from argon2.profiles import RFC_9106_LOW_MEMORY

from acs_bridge.domain.actor import Actor, Role
from acs_bridge.domain.passwords import Passwords
from acs_bridge.services.access.logins import AT_ONCE, WAITING, Lifetimes, LoginRefused, Logins, TooManyLogins
from acs_bridge.services.access.users import Users

MAKER = Actor("cli", "test", Role.ADMIN, "")
QUICK = Parameters(Type.ID, 19, 16, 16, time_cost=1, memory_cost=8, parallelism=1)
PASSWORD = "four words that rhyme"
LIFETIMES = Lifetimes(timedelta(hours=1), timedelta(hours=2))


class Watched(Passwords):
    """Tells how often, and how often at the same time, a password was compared; waits where it is told to."""

    def __init__(self):
        super().__init__(QUICK)
        self.go = threading.Event()
        self.go.set()
        self.compared = self.now = self.most = 0
        self.lock = threading.Lock()

    def matches(self, kept, password):
        with self.lock:
            self.compared += 1
            self.now += 1
            self.most = max(self.most, self.now)
        self.go.wait(30)
        try:
            return super().matches(kept, password)
        finally:
            with self.lock:
                self.now -= 1


@pytest.fixture
def kept():
    return Watched()


@pytest.fixture
async def users(database, clock, kept):
    users = Users(database, clock, os.urandom, kept)
    for name in ("anna", "gone"):
        await users.add(name, Role.ADMIN, MAKER, PASSWORD)
    await users.disable("gone", MAKER)
    return users


@pytest.fixture
def logins(database, clock, keyring, kept, users):
    return Logins(database, clock, keyring, os.urandom, LIFETIMES, kept)


@pytest.mark.parametrize(
    ("name", "password"), [("anna", "wrong"), ("nobody", PASSWORD), ("gone", PASSWORD), ("", ""), ("anna", "x" * 5000)]
)
async def test_a_login_that_is_refused_has_cost_one_comparison_whoever_it_was(logins, kept, name, password):
    with pytest.raises(LoginRefused):
        await logins.log_in(name, password, "192.0.2.1")
    assert kept.compared == 1


async def test_few_passwords_are_compared_at_the_same_time_and_not_too_many_wait(logins, kept, clock):
    kept.go.clear()
    asked = [
        asyncio.create_task(logins.log_in(f"user-{number}", "wrong", f"192.0.2.{number}"))
        for number in range(WAITING + 5)
    ]
    waiting = set(asked)
    while len(waiting) > WAITING:
        done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        assert all(isinstance(task.exception(), TooManyLogins) for task in done)
    kept.go.set()
    ended = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(isinstance(error, TooManyLogins) for error in ended) == 5
    assert sum(isinstance(error, LoginRefused) for error in ended) == WAITING
    assert 1 <= kept.most <= AT_ONCE
    assert waiting


async def test_a_password_that_was_hashed_for_less_is_hashed_again_at_the_next_login(
    logins, users, database, clock, keyring
):
    dearer = Passwords(Parameters(Type.ID, 19, 16, 16, time_cost=2, memory_cost=16, parallelism=1))
    before = await database.fetchval("select password_hash from console_user where name = 'anna'")
    today = Logins(database, clock, keyring, os.urandom, LIFETIMES, dearer)
    await today.log_in("anna", PASSWORD, "192.0.2.1")
    after = await database.fetchval("select password_hash from console_user where name = 'anna'")
    assert before != after
    assert "m=16,t=2" in after
    await today.log_in("anna", PASSWORD, "192.0.2.1")


async def test_what_is_shown_of_a_session_is_no_secret(logins):
    made = await logins.log_in("anna", PASSWORD, "192.0.2.1")
    assert made.session.token not in repr(made)
    assert made.browser not in repr(made)


def test_what_stands_where_nobody_is_found_costs_as_much_as_anybodys_password_and_matches_none():
    kept = Passwords().nobodys
    assert extract_parameters(kept) == extract_parameters(Passwords().hashed("x")) == RFC_9106_LOW_MEMORY
    assert not Passwords().is_outdated(kept)
    with pytest.raises(VerifyMismatchError):  # that it was compared, and not that it cannot be read
        PasswordHasher().verify(kept, "")


def test_the_usual_cost_is_that_of_rfc_9106():
    assert "$argon2id$v=19$m=65536,t=3,p=4$" in Passwords().hashed("x")
