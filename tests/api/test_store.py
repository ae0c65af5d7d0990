"""The store and its migrations."""

import asyncio
import os
import stat
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

import api.migrations
from api.migrations.__main__ import upgrade
from api.store import Store, connect
from api.tables import SCHEMA, metadata
from shared.errors import Code, Fault


def test_the_tables_are_what_the_migrations_make(tmp_path: Path) -> None:
    upgrade(tmp_path / "store.sqlite")
    with connect(tmp_path / "store.sqlite").connect() as connection:
        assert [] == compare_metadata(MigrationContext.configure(connection), metadata)


def test_the_newest_migration_is_the_one_that_api_expects() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(api.migrations.__file__).parent))
    assert SCHEMA == ScriptDirectory.from_config(config).get_current_head()


def test_migrating_twice_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    upgrade(path)
    with connect(path).begin() as connection:
        connection.execute(sa.text("DELETE FROM alembic_version"))
        connection.execute(sa.text("INSERT INTO families (id, subject, created, expires) VALUES ('f', 'admin', 1, 2)"))
    upgrade(path)
    with connect(path).connect() as connection:
        assert 1 == connection.scalar(sa.text("SELECT count(*) FROM families"))


async def test_two_that_migrate_at_once_both_succeed(tmp_path: Path) -> None:
    stores = [Store(tmp_path / "store.sqlite") for _ in range(3)]
    await asyncio.gather(*(store.migrate() for store in stores))
    for store in stores:
        await store.close()


async def test_a_store_from_the_future_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    upgrade(path)
    with connect(path).begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    store = Store(path)
    with pytest.raises(Fault, match="cannot be migrated"):
        await store.migrate()
    await store.close()


async def test_a_transaction_that_fails_changes_nothing_and_tells_no_values(tmp_path: Path) -> None:
    upgrade(tmp_path / "store.sqlite")
    store = Store(tmp_path / "store.sqlite")

    def work(connection: sa.Connection) -> None:
        connection.execute(sa.text("INSERT INTO families (id, subject, created, expires) VALUES ('f', 'admin', 1, 2)"))
        connection.execute(sa.text("INSERT INTO nothing VALUES (:secret)"), {"secret": "SENTINEL"})

    with pytest.raises(Fault) as caught:
        await store.write(work)
    assert Code.UNAVAILABLE is caught.value.code
    assert "SENTINEL" not in str(caught.value.__cause__)
    count = await store.read(lambda connection: connection.scalar(sa.text("SELECT count(*) FROM families")))
    await store.close()
    assert 0 == count


async def test_a_reader_does_not_wait_for_a_writer(tmp_path: Path) -> None:
    upgrade(tmp_path / "store.sqlite")
    one, two = Store(tmp_path / "store.sqlite"), Store(tmp_path / "store.sqlite")
    with one._engine.begin():
        assert 1 == await two.read(lambda connection: connection.scalar(sa.text("SELECT 1")))
    await one.close()
    await two.close()


def test_the_file_is_its_owners_alone_under_the_daemons_umask(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        upgrade(tmp_path / "store.sqlite")
    finally:
        os.umask(before)
    assert 0o600 == stat.S_IMODE((tmp_path / "store.sqlite").stat().st_mode)
