"""The order of the suite loses no test, and gives each worker of xdist what is meant for it."""

from itertools import pairwise

import pytest

from tests.order import WAITING, dealt, weight

FILES = {
    "tests/acceptance/console/test_queue.py": 7,
    "tests/acceptance/test_serve.py": 9,
    "tests/cwmp/test_values.py": 40,
    "tests/domain/test_names.py": 31,
    "tests/kept/test_matrix.py": 50,
    "tests/store/test_pool.py": 12,
    "tests/test_log.py": 3,
    "tests/web/device/test_http.py": 20,
    "tests/web/operator/test_roles.py": 25,
}
TESTS = [(file, number) for file, count in FILES.items() for number in range(count)]


def pieces(workers: int) -> list[list[tuple[str, int]]]:
    """What each worker gets first, as the scheduler of xdist cuts it."""
    left, cut = dealt(TESTS, workers, lambda test: test[0]), []
    for number in range(workers):
        length = len(left) // (workers - number)
        cut.append(left[:length])
        left = left[length:]
    return cut


@pytest.mark.parametrize("workers", [1, 2, 3, 4, 5, 16, 500])
def test_every_test_is_there_once(workers):
    assert sorted(test for piece in pieces(workers) for test in piece) == TESTS


@pytest.mark.parametrize("workers", [2, 3, 4, 5, 16])
def test_what_waits_begins_a_piece_of_its_own(workers):
    begins = [piece[0][0] for piece in pieces(workers)]
    assert [file.startswith(folder) for file, folder in zip(begins, WAITING, strict=False)] == [True, True]
    assert not [file for file in begins[2:] if file.startswith("tests/acceptance/")]


def test_the_heaviest_of_the_rest_come_first_in_each_piece():
    for piece in pieces(2):
        weights = [weight(file) for file, _ in piece if not file.startswith(WAITING)]
        assert weights[0] == min(weights)
        assert weights[-1] == max(weights)


def test_neighbours_stay_neighbours():
    parted = [pair for piece in pieces(4) for pair in pairwise(piece) if pair[0][0] != pair[1][0]]
    assert len(parted) < 2 * len(FILES)
