"""Many lines, made once for the test run; who asks for them gets a copy."""

from collections.abc import AsyncIterator

import pytest

from acs_bridge.store.database import Database
from tests.conftest import run
from tests.databases import TEMPLATE, Postgres, fresh_database, make_template
from tests.store.crowd import fill

CROWDED = "template_crowded"


@pytest.fixture(scope="session")
def crowded_template(postgres: Postgres) -> str:
    run(make_template(postgres, CROWDED, TEMPLATE, fill))
    return CROWDED


async def one_connection(postgres: Postgres, template: str) -> AsyncIterator[Database]:
    """To a copy of a template, on the role that owns the tables."""
    async for name in fresh_database(postgres, template):
        async with Database.connect(postgres.owner_url(name), pool_size=1) as owner:
            yield owner


@pytest.fixture
async def crowded(postgres: Postgres, crowded_template: str) -> AsyncIterator[Database]:
    """One connection to them."""
    async for owner in one_connection(postgres, crowded_template):
        yield owner


@pytest.fixture
async def blank(postgres: Postgres) -> AsyncIterator[Database]:
    """One connection to a database without any."""
    async for owner in one_connection(postgres, TEMPLATE):
        yield owner
