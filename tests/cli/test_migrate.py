"""`acs-bridge migrate`: on a database that was given, and on the embedded one."""

import pytest


@pytest.fixture
def empty_database_url(postgres, empty_database_name) -> str:
    return postgres.owner_url(empty_database_name)


def test_a_given_database_gets_the_schema_of_this_version(run, empty_database_url, monkeypatch):
    monkeypatch.setenv("ACS_BRIDGE_DATABASE__URL", empty_database_url)
    first, second = run("migrate"), run("migrate")
    assert (first.code, first.err) == (0, "")
    assert first.out.startswith("ran 0001_foundation\n")
    assert (second.code, second.out, second.err) == (0, "nothing to do\n", "")


def test_a_database_that_does_not_answer_is_one_line_without_its_password(run, monkeypatch):
    monkeypatch.setenv("ACS_BRIDGE_DATABASE__URL", "postgresql://u:hunter2@127.0.0.1:1/acs_bridge")
    ended = run("migrate")
    assert (ended.code, ended.out) == (1, "")
    assert len(ended.err.splitlines()) == 1
    assert "127.0.0.1" in ended.err
    assert "hunter2" not in ended.err


def test_the_embedded_database_is_migrated_where_the_settings_put_it(run, tmp_path):
    (tmp_path / "a.toml").write_text("[database]\ndata_dir = 'data'\n", "utf-8")
    ended = run("migrate", "--config", "a.toml")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("ran 0001_foundation\n")
    assert (tmp_path / "data").is_dir()


def test_a_data_folder_that_is_a_file_is_one_line_that_names_it(run, tmp_path):
    (tmp_path / "data").write_text("no folder", "utf-8")
    (tmp_path / "a.toml").write_text("[database]\ndata_dir = 'data'\n", "utf-8")
    ended = run("migrate", "--config", "a.toml")
    assert (ended.code, ended.out, len(ended.err.splitlines())) == (1, "", 1)
    assert "data" in ended.err
