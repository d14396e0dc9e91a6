"""Betrieb: the operator sees whether mail goes out and jobs run, and nobody's content or recipients."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from accounts import tasks
from accounts.models import AuditEvent, FreeDay, JobRun, OutgoingMail, PausedAddress, User
from accounts.operation import written_down
from conversations.tasks import ask_quietly, erase_due, fetch_busy_calendars, remind_of_talks, rest_quietly
from engagements.tasks import (
    assign_all,
    freeze_waiting_figures,
    plan_reminders,
    rest_left_alone,
    return_unanswered_offers,
)
from lernbegleitung import clock
from lernbegleitung.celery import JOBS, app

from .conftest import as_owner
from .test_delivery import as_worker

pytestmark = pytest.mark.django_db
ClientOf = Callable[[User], Client]


def mail(key: str, **also: Any) -> OutgoingMail:
    with as_owner():
        return OutgoingMail.objects.create(key=key, kind="changed", **{"facts": {"path": "/GEHEIM/"}, **also})


def page(client: Client) -> str:
    response = client.get(reverse("accounts:operation"))
    assert response.status_code == 200
    return response.content.decode()


def test_the_page_tells_of_waiting_mail_and_warns_when_it_is_stuck(world: SimpleNamespace, client_of: ClientOf) -> None:
    client = client_of(world.dirk)
    assert "Nichts staut sich." in page(client)
    mail("a", recipient=world.anna, due_at=clock.now() - timedelta(minutes=14))
    assert "Nichts staut sich." in page(client)
    assert "Nachrichten stauen sich." not in client.get("/heute/").content.decode()
    mail("b", recipient=world.anna, due_at=clock.now() - timedelta(minutes=16))
    assert "Nachrichten stauen sich." in page(client)
    assert "Nachrichten stauen sich." in client.get("/heute/").content.decode()
    assert "Nachrichten stauen sich." not in client_of(world.anna).get("/heute/").content.decode()


def test_dead_letters_are_shown_without_content_and_recipient_and_can_be_sent_again(
    world: SimpleNamespace, client_of: ClientOf
) -> None:
    lost = mail("a", recipient=world.anna, failed_at=clock.now(), attempts=3, smtp_code=550, smtp_status="5.1.1")
    client = client_of(world.dirk)
    html = page(client)
    assert "Diese Adresse gibt es nicht" in html and "@example.org" in html and "3 Versuche" in html
    for word in ("anna@", "Anna", "GEHEIM", "changed"):
        assert word not in html
    assert client.post(reverse("accounts:mail_retry", args=[lost.pk])).status_code == 302
    with as_owner():
        assert OutgoingMail.objects.get().failed_at is None
        assert AuditEvent.objects.filter(kind="mail.retried").count() == 1
    assert client.post(reverse("accounts:mail_retry", args=[lost.pk])).status_code == 404, "once"
    assert "Alles ist angekommen." in page(client)


def test_a_paused_address_can_be_tried_again(world: SimpleNamespace, client_of: ClientOf) -> None:
    with as_owner():
        PausedAddress.objects.create(address="anna@example.org", reason="bounced", status="5.1.1")
    client = client_of(world.dirk)
    assert "anna@example.org" in page(client) and "als unzustellbar zurückgekommen" in page(client)
    client.post(reverse("accounts:address_resume"), {"address": "Anna@Example.org"})
    assert "Jede Adresse nimmt Nachrichten an." in page(client)


def test_the_own_page_says_so_and_tries_again(world: SimpleNamespace, client_of: ClientOf) -> None:
    with as_owner():
        PausedAddress.objects.create(address="anna@example.org", reason="bounced")
        PausedAddress.objects.create(address="ben@example.org", reason="bounced")
    client = client_of(world.anna)
    html = client.get(reverse("engagements:reminders")).content.decode()
    assert "nimmt seit" in html and "ben@" not in html
    client.post(reverse("engagements:reminders_try_again"))
    with as_owner():
        assert list(PausedAddress.objects.values_list("pk", flat=True)) == ["ben@example.org"]


@pytest.mark.parametrize("who", ["anna", "ben", "carla", "mia"])
def test_nobody_else_sees_or_does_it(who: str, world: SimpleNamespace, client_of: ClientOf) -> None:
    lost = mail("a", recipient=world.stranger, failed_at=clock.now())
    client = client_of(getattr(world, who))
    assert client.get(reverse("accounts:operation")).status_code == 403
    assert client.post(reverse("accounts:mail_retry", args=[lost.pk])).status_code == 403
    assert client.post(reverse("accounts:address_resume"), {"address": "x"}).status_code == 403
    assert client.get(reverse("accounts:free_days")).status_code == 403


def test_the_database_says_no_as_well(world: SimpleNamespace) -> None:
    from lernbegleitung import rls

    lost = mail("a", recipient=world.stranger, failed_at=clock.now())
    with rls.acting_as(world.carla.pk), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM dead_letters(9)")
        assert cursor.fetchone() == (0,)
        cursor.execute("SELECT retry_dead_letter(%s)", [lost.pk])
        assert cursor.fetchone() == (None,)
        assert not JobRun.objects.exists()


# ── the jobs ───────────────────────────────────────────────────────────────

RUN = {
    "accounts.tasks.deliver_due": tasks.deliver_due, "accounts.tasks.push_due": tasks.push_due,
    "engagements.tasks.return_unanswered_offers": return_unanswered_offers,
    "engagements.tasks.plan_reminders": plan_reminders, "conversations.tasks.ask_quietly": ask_quietly,
    "conversations.tasks.rest_quietly": rest_quietly, "conversations.tasks.erase_due": erase_due,
    "conversations.tasks.remind_of_talks": remind_of_talks, "conversations.tasks.fetch_busy_calendars": fetch_busy_calendars,
    "engagements.tasks.freeze_waiting_figures": freeze_waiting_figures,
    "engagements.tasks.rest_left_alone": rest_left_alone,
    "engagements.tasks.assign_all": assign_all, "accounts.tasks.take_over_imports": tasks.take_over_imports,
}  # fmt: skip


def test_every_job_of_the_timetable_may_run_twice_and_says_when_it_ran(
    world: SimpleNamespace, client_of: ClientOf
) -> None:
    assert RUN.keys() == JOBS.keys() == {name for name in app.tasks if not name.startswith("celery.")}
    assert page(client_of(world.dirk)).count("war noch nicht dran") == len(JOBS)
    for name, job in RUN.items():
        first, second = as_worker(job), as_worker(job)
        assert first == second, f"{name}: a second run finds nothing to do"
    html = page(client_of(world.dirk))
    assert "noch nicht dran" not in html and html.count("in Ordnung") == len(JOBS)


def test_a_job_that_fails_says_so_with_the_kind_of_its_error_only(world: SimpleNamespace, client_of: ClientOf) -> None:
    @written_down("accounts.tasks.deliver_due")
    def broken() -> None:
        raise ValueError("GEHEIM")

    as_worker(tasks.deliver_due)
    with pytest.raises(ValueError, match="GEHEIM"):
        as_worker(broken)
    html = page(client_of(world.dirk))
    assert "gescheitert" in html and "ValueError" in html and "GEHEIM" not in html
    with as_owner():
        assert JobRun.objects.get().succeeded_at is not None, "the last success stays"


def test_a_job_that_has_not_succeeded_for_long_is_overdue(world: SimpleNamespace, client_of: ClientOf) -> None:
    as_worker(tasks.deliver_due)
    with as_owner():
        JobRun.objects.update(succeeded_at=clock.now() - timedelta(minutes=11))
    assert "überfällig" in re.sub(r"\s+", " ", page(client_of(world.dirk))).partition("Unbeantwortete Anfragen")[0]


def test_the_worker_warns_when_the_outbox_is_stuck(world: SimpleNamespace, caplog: pytest.LogCaptureFixture) -> None:
    mail(
        "a",
        recipient=world.anna,
        due_at=clock.now() - timedelta(hours=1),
        claimed_until=clock.now() + timedelta(hours=1),
    )
    as_worker(tasks.deliver_due)
    assert "the outbox is stuck" in caplog.text and "anna" not in caplog.text


# ── for monitoring ─────────────────────────────────────────────────────────


def test_the_dead_mans_switch(world: SimpleNamespace) -> None:
    assert Client().get("/healthz/mail").json() == {"status": "ok"}
    mail("a", recipient=world.anna, due_at=clock.now() - timedelta(minutes=16))
    answer = Client().get("/healthz/mail")
    assert (answer.status_code, answer.json()) == (503, {"status": "late"})
    assert Client().get("/healthz").status_code == 200, "the web server itself is well"


def test_metrics_are_numbers_for_this_machine_or_with_the_token(world: SimpleNamespace, settings: Any) -> None:
    as_worker(tasks.deliver_due)
    mail("a", recipient=world.anna, due_at=clock.now() - timedelta(minutes=2))
    text = Client().get("/metrics").content.decode()
    assert "lernbegleitung_due 1\n" in text and "# TYPE lernbegleitung_due gauge" in text
    assert re.search(r"lernbegleitung_oldest_due_seconds 1[12]\d", text)
    assert 'lernbegleitung_job_failed{job="accounts.tasks.deliver_due"} 0' in text
    assert "anna" not in text
    elsewhere = [
        {"REMOTE_ADDR": "10.0.0.1"},
        {"HTTP_X_FORWARDED_FOR": "127.0.0.1"},
        {"HTTP_FORWARDED": "for=127.0.0.1"},
    ]
    for headers in elsewhere:
        assert Client().get("/metrics", **headers).status_code == 404
    settings.METRICS_TOKEN = "a-token"
    assert Client().get("/metrics").status_code == 404
    assert Client().get("/metrics", headers={"Authorization": "Bearer wrong"}).status_code == 404
    allowed = Client().get("/metrics", headers={"Authorization": "Bearer a-token"}, REMOTE_ADDR="10.0.0.1")
    assert allowed.status_code == 200


# ── free days ──────────────────────────────────────────────────────────────


def test_a_free_day_is_added_once_and_taken_away(world: SimpleNamespace, client_of: ClientOf) -> None:
    client, address = client_of(world.dirk), reverse("accounts:free_days")
    day = clock.today() + timedelta(days=40)
    sent = {"name_de": "Friedensfest", "name_en": "Peace Festival", "day": f"{day:%d.%m.%Y}", "every_year": "on",
            "agency": world.augsburg.pk, "state": ""}  # fmt: skip
    assert client.post(address, sent).status_code == 302
    assert "Friedensfest" in client.get(address).content.decode()
    again = client.post(address, sent)
    assert again.status_code == 422 and "Diesen freien Tag gibt es schon." in again.content.decode()
    with as_owner():
        found = FreeDay.objects.get()
        User.objects.filter(pk=world.anna.pk).update(language="en")
    assert "Peace Festival" in client_of(world.anna).get(reverse("engagements:reminders")).content.decode()
    assert "Friedensfest" not in client_of(world.stranger).get(reverse("engagements:reminders")).content.decode()
    assert client.post(reverse("accounts:free_day_remove", args=[found.pk])).status_code == 302
    assert client.post(reverse("accounts:free_day_remove", args=[found.pk])).status_code == 404
    with as_owner():
        assert not FreeDay.objects.exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"day": ""}, "Wählen Sie einen Tag."),
        ({"day": "31.2.2027"}, "Schreiben Sie das Datum"),
        ({"day": "2020-01-01"}, "Dieser Tag ist schon vorbei."),
        ({"day": "2090-01-01"}, "Dieser Tag liegt sehr weit weg."),
        ({"name_de": ""}, "Schreiben Sie, wie der Tag heißt."),
        ({"agency": ""}, "Wählen Sie die Dienststelle aus."),
    ],
)
def test_what_is_wrong_stands_beside_the_field(
    change: dict[str, str], words: str, world: SimpleNamespace, client_of: ClientOf
) -> None:
    sent = {
        "name_de": "Fest",
        "day": f"{clock.today() + timedelta(days=9)}",
        "agency": world.ulm.pk,
        "state": "",
        **change,
    }
    answer = client_of(world.dirk).post(reverse("accounts:free_days"), sent)
    assert answer.status_code == 422 and words in answer.content.decode()


def test_only_the_administration_writes_free_days(world: SimpleNamespace) -> None:
    from django.db import transaction

    from lernbegleitung import rls

    with rls.acting_as(world.carla.pk), pytest.raises(Exception, match="row-level security"), transaction.atomic():
        FreeDay.objects.create(day="2026-12-02", agency=world.south, name_de="x")


# ── lists ──────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["accounts:operation", "accounts:free_days"])
def test_more_rows_are_no_more_queries(
    name: str, world: SimpleNamespace, client_of: ClientOf, assert_same_queries: Callable[..., None]
) -> None:
    client = client_of(world.dirk)

    def add(number: int) -> None:
        mail(f"k{number}", recipient=world.anna, failed_at=clock.now())
        with as_owner():
            PausedAddress.objects.create(address=f"a{number}@example.org", reason="bounced")
            FreeDay.objects.create(day=clock.today() + timedelta(days=number), agency=world.ulm, name_de="Fest")

    assert_same_queries(lambda: client.get(reverse(name)), add)
