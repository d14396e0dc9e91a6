"""Moments come out of the database as they went in, whatever PostgreSQL writes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from django.db import DataError, connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from lernbegleitung.moments import MomentLoader

from .conftest import as_owner

pytestmark = pytest.mark.django_db
ZONES = ("UTC", "Europe/Berlin", "Asia/Kathmandu", "America/St_Johns")


def read(text: str) -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::timestamptz", [text])
        return cursor.fetchone()[0]


@given(st.datetimes(min_value=datetime(1, 1, 3), max_value=datetime(9999, 12, 28)), st.sampled_from(ZONES))
def test_as_it_went_in(moment: datetime, zone: str) -> None:
    known = moment.replace(tzinfo=UTC)
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('timezone', %s, false)", [zone])
        try:
            found = read(known.isoformat())
        finally:
            cursor.execute("SET timezone TO DEFAULT")
    if found.year > 1900:  # before railways, zones differ by seconds, which Python may not be told
        assert found == known
    assert found.tzinfo is UTC


def test_every_connection_of_ours_reads_so(transactional_db: None) -> None:
    connection.close()
    with as_owner():
        read("2026-11-27 15:00+00")
    adapters = connection.connection.adapters
    assert adapters.get_loader(adapters.types["timestamptz"].oid, psycopg.pq.Format.TEXT) is MomentLoader


def test_what_iso_8601_does_not_know() -> None:
    assert read("1850-01-01 00:00+00") == datetime(1850, 1, 1, tzinfo=UTC)
    assert read("2026-11-27 24:00+05:45") == datetime(2026, 11, 27, 18, 15, tzinfo=UTC)
    assert read("2026-11-27 15:00:00.1+00") - read("2026-11-27 15:00+00") == timedelta(milliseconds=100)
    for nowhere in ("infinity", "0044-03-15 12:00+00 BC"):
        with pytest.raises(DataError), transaction.atomic():
            read(nowhere)
