"""Notices in the browser: only for those who switch them on, decided when sent, gone when unwanted."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import ProgrammingError, connection
from django.test import Client

from accounts import push_crypto, push_service
from accounts.actions.people import set_active
from accounts.delivery import claim
from accounts.models import OutgoingMail, PushDevice, User
from accounts.push_service import Parcel, Refused, hand_over, service_of
from accounts.sessions import end_sessions
from accounts.tasks import push_due
from conversations.tasks import erase_due
from engagements.actions import steps as step_actions
from engagements.models import LearningStep, SentReminder
from engagements.reminders import STEP_DUE
from engagements.steps import StepState
from lernbegleitung import clock, ids, rls

from .conftest import as_owner
from .push_house import Browser, PushService, claims_of, serve
from .test_delivery import TUESDAY, Sink, as_worker, at, deliver, plan_step, rows, sink, step

__all__ = ["at", "sink", "step"]  # fixtures
pytestmark = pytest.mark.django_db
ClientOf = Callable[[User], Client]
NOTHING = {"sent": 0, "dropped": 0, "later": 0, "failed": 0}
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture
def vendor(tmp_path: Path, settings: Any) -> Iterator[PushService]:
    """A push service that this house knows, and a key of the house."""
    service, server = serve(tmp_path)
    settings.PUSH_KEY, settings.PUSH_CA_FILE = push_crypto.new_key(), service.certificate
    settings.PUSH_SERVICES, settings.PUSH_INSIDE = [f"127.0.0.1:{service.port}"], True
    yield service
    server.shutdown()
    server.server_close()


def switch_on(client: Client, browser: Browser) -> Any:
    return client.post("/erinnerungen/geraete/", browser.form(), headers={"User-Agent": FIREFOX}, follow=True)


@pytest.fixture
def browser(vendor: PushService, world: SimpleNamespace, client_of: ClientOf, step: LearningStep) -> Browser:
    """Anna's, switched on, its trial notice seen; a step of hers is due today."""
    one = vendor.browser()
    assert "Eingeschaltet" in switch_on(client_of(world.anna), one).content.decode()
    assert as_worker(push_due)["sent"] == 1
    assert one.open(vendor.bodies.pop())["path"] == "/erinnerungen/"
    vendor.came.clear()
    return one


def devices() -> list[tuple[str, str]]:
    with as_owner():
        return sorted((d.owner.name.split()[0], d.device()) for d in PushDevice.objects.select_related("owner"))


def pushes() -> list[OutgoingMail]:
    return [mail for mail in rows(kind="push") if not mail.facts.get("trial")]


# ── the way of a notice ────────────────────────────────────────────────────


def test_a_notice_follows_the_mail_once_and_says_no_more_than_it(
    browser: Browser, vendor: PushService, step: LearningStep, sink: Sink, settings: Any, world: SimpleNamespace,
    client_of: ClientOf,
) -> None:  # fmt: skip
    assert as_worker(push_due) == NOTHING, "not before the mail"
    assert deliver()["sent"] == 1
    assert as_worker(push_due) == NOTHING | {"sent": 1}
    assert as_worker(push_due) == NOTHING and deliver()["sent"] == 0, "twice is once"
    ((path, headers, body),) = vendor.came
    assert path == "/push/one"
    assert browser.open(body) == {
        "title": "Ihr Lernschritt für heute",
        "body": "Was es ist, sehen Sie nach der Anmeldung.",
        "path": f"/lernschritte/{step.pk}/antwort/",
    }
    assert "geheim" not in str(browser.open(body)).lower() and b"Lernschritt" not in body
    assert (headers["content-encoding"], headers["topic"], headers["urgency"]) == (
        "aes128gcm",
        "lernbegleitung",
        "normal",
    )
    assert headers["ttl"] == str(6 * 3600), "until four in the afternoon, then nobody shows it any more"
    claims, key = claims_of(headers["authorization"])
    assert key == push_crypto.public_key(settings.PUSH_KEY)
    assert claims["aud"] == f"https://127.0.0.1:{vendor.port}" and claims["sub"] == settings.PUSH_CONTACT
    assert 0 < claims["exp"] - time.time() <= 24 * 3600
    assert not {"cookie", "referer", "user-agent", "from"} & headers.keys()
    page = client_of(world.anna).get("/erinnerungen/").content.decode()
    assert page.count("auch als Mitteilung") == 1 and "Firefox, Linux" in page


def test_a_discreet_mail_has_a_discreet_notice_and_english_is_english(
    browser: Browser, vendor: PushService, sink: Sink, world: SimpleNamespace
) -> None:
    with as_owner():
        User.objects.filter(pk=world.anna.pk).update(mail_style="discreet", language="en")
    deliver()
    as_worker(push_due)
    said = browser.open(vendor.bodies[0])
    assert said == {
        "title": "A message for you",
        "body": "You see what it is after signing in.",
        "path": "/heute/",
    }


def test_without_opting_in_there_is_nothing(vendor: PushService, step: LearningStep, sink: Sink) -> None:
    assert deliver()["sent"] == 1
    assert pushes() == [] and as_worker(push_due) == NOTHING and vendor.came == []


def test_without_a_key_the_house_has_no_notices(
    browser: Browser, vendor: PushService, sink: Sink, world: SimpleNamespace, client_of: ClientOf, settings: Any
) -> None:
    deliver()
    settings.PUSH_KEY = ""
    client = client_of(world.anna)
    assert "Mitteilung auf einem Gerät" not in client.get("/erinnerungen/").content.decode()
    assert client.post("/erinnerungen/geraete/", browser.form()).status_code == 404
    assert client.get("/push-worker.js").status_code == 404
    assert as_worker(push_due) == NOTHING | {"dropped": 1} and vendor.came == []


def test_two_devices_get_one_each_and_mails_and_notices_are_claimed_apart(
    browser: Browser, vendor: PushService, sink: Sink, world: SimpleNamespace, client_of: ClientOf
) -> None:
    other = vendor.browser("other")
    switch_on(client_of(world.anna), other)
    assert as_worker(lambda: claim(9)) != [], "the mail"
    with as_owner():
        OutgoingMail.objects.update(claimed_until=None, attempts=0)
    deliver()
    assert as_worker(lambda: claim(9)) == []
    assert len(pushes()) == 2
    claimed = as_worker(lambda: claim(1, push=True)) + as_worker(lambda: claim(9, push=True))
    assert len({mail.pk for mail in claimed}) == 3 and as_worker(lambda: claim(9, push=True)) == []


# ── decided when sent ──────────────────────────────────────────────────────


@pytest.mark.parametrize("change", ["stopped", "inactive", "done", "other day", "evening", "removed", "paused"])
def test_what_is_no_longer_wanted_is_not_shown(
    change: str, browser: Browser, vendor: PushService, step: LearningStep, sink: Sink, world: SimpleNamespace, at: Any,
    client_of: ClientOf,
) -> None:  # fmt: skip
    deliver()
    if change == "stopped":
        client_of(world.anna).post("/erinnerungen/stopp/")
    elif change == "inactive":
        with as_owner():
            User.objects.filter(pk=world.anna.pk).update(is_active=False)
    elif change == "done":
        with rls.acting_as(world.anna.pk):
            step_actions.answer(step=step, state=StepState.DONE, by=world.anna)
    elif change == "removed":
        with rls.acting_as(world.anna.pk):
            PushDevice.objects.filter(owner=world.anna).delete()
    elif change == "paused":
        with as_owner():
            step.engagement.__class__.objects.update(state="paused")
    else:
        at(TUESDAY + (timedelta(days=1) if change == "other day" else timedelta(hours=7)))
    assert as_worker(push_due) == NOTHING | {"dropped": 1}
    assert vendor.came == []


def test_of_two_steps_the_open_one_is_left(
    browser: Browser, vendor: PushService, step: LearningStep, sink: Sink, world: SimpleNamespace
) -> None:
    other = plan_step(step, world.anna)
    deliver()
    with rls.acting_as(world.anna.pk):
        step_actions.answer(step=step, state=StepState.DONE, by=world.anna)
    as_worker(push_due)
    assert browser.open(vendor.bodies[0])["path"] == f"/lernschritte/{other.pk}/antwort/"


# ── what the push service answers ──────────────────────────────────────────


@pytest.mark.parametrize("status", [404, 410])
def test_a_browser_that_is_gone_is_forgotten(status: int, browser: Browser, vendor: PushService, sink: Sink) -> None:
    deliver()
    vendor.status = status
    assert as_worker(push_due) == NOTHING | {"dropped": 1}
    assert devices() == [] and pushes()[0].smtp_code == status


@pytest.mark.parametrize(("status", "retry_after", "wait"), [(429, "1800", 1800), (503, "", 96), (500, "soon", 96)])
def test_not_now_is_tried_again_later_and_then_once(
    status: int, retry_after: str, wait: int, browser: Browser, vendor: PushService, sink: Sink, at: Any
) -> None:
    deliver()
    vendor.status, vendor.retry_after = status, retry_after
    assert as_worker(push_due) == NOTHING | {"later": 1}
    assert as_worker(push_due) == NOTHING, "it waits"
    assert (pushes()[0].due_at - TUESDAY).total_seconds() >= wait
    assert devices() == [("Anna", "Firefox, Linux")]
    at(TUESDAY + timedelta(hours=1))
    vendor.status = 201
    assert as_worker(push_due) == NOTHING | {"sent": 1}
    assert len(vendor.came) == 2 and pushes()[0].attempts == 2


@pytest.mark.parametrize("status", [302, 400, 403, 413])
def test_never_is_a_dead_letter_and_no_answer_leads_elsewhere(
    status: int, browser: Browser, vendor: PushService, sink: Sink, world: SimpleNamespace, client_of: ClientOf
) -> None:
    deliver()
    vendor.status = status
    assert as_worker(push_due) == NOTHING | {"failed": 1}
    assert [path for path, *_rest in vendor.came] == ["/push/one"]
    page = client_of(world.dirk).get("/betrieb/").content.decode()
    assert str(status) in page and "127.0.0.1" not in page and "Anna" not in page
    assert ("Ist PUSH_KEY ein anderer geworden?" in page) is (status == 403)


def test_a_push_service_that_hangs_keeps_no_mail_waiting_and_is_not_asked_for_everybody(
    browser: Browser, vendor: PushService, sink: Sink, world: SimpleNamespace, monkeypatch: pytest.MonkeyPatch,
    client_of: ClientOf,
) -> None:  # fmt: skip
    for number in range(9):
        switch_on(client_of(world.anna), vendor.browser(f"more{number}"))
    as_worker(push_due)
    vendor.came.clear()
    deliver()
    monkeypatch.setattr(push_service, "TIMEOUT", 0.4)
    vendor.silence = 1.5
    assert as_worker(push_due) == NOTHING | {"later": 10}
    assert len(vendor.came) <= 8, "as many as are on their way at once"
    assert all(mail.sent_at is None and mail.claimed_until is None for mail in pushes())


def test_a_service_that_nobody_answers_for_is_waited_for(
    browser: Browser, sink: Sink, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    deliver()
    with as_owner():
        PushDevice.objects.update(endpoint="https://127.0.0.1:9/push/one")
    settings.PUSH_SERVICES = ["127.0.0.1:9"]
    assert as_worker(push_due) == NOTHING | {"later": 1}
    assert "push/one" not in caplog.text and str(pushes()[0].pk) in caplog.text


def test_one_row_that_is_broken_keeps_no_other_waiting(
    browser: Browser, vendor: PushService, sink: Sink, settings: Any, world: SimpleNamespace, client_of: ClientOf
) -> None:
    for name in ("no name", "no key"):
        switch_on(client_of(world.anna), vendor.browser(name.replace(" ", "-")))
    as_worker(push_due)
    vendor.came.clear()
    with as_owner():
        PushDevice.objects.filter(endpoint__endswith="no-name").update(endpoint=f"https://{'a' * 70}.example/x")
        PushDevice.objects.filter(endpoint__endswith="no-key").update(p256dh="AAAA")
    settings.PUSH_SERVICES = [*settings.PUSH_SERVICES, ".example"]
    deliver()
    assert as_worker(push_due) == NOTHING | {"sent": 1, "failed": 2}
    assert [path for path, *_rest in vendor.came] == ["/push/one"]


# ── nowhere else ───────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://fcm.googleapis.com/fcm/send/x",
        "https://fcm.googleapis.com:8443/fcm/send/x",
        "https://fcm.googleapis.com.evil.example/x",
        "https://evil.example/fcm.googleapis.com",
        "https://user:pass@fcm.googleapis.com/x",
        "https://evilpush.services.mozilla.com.example/x",
        "https://127.0.0.1/x",
        "https://[::1]/x",
        "https://fcm.googleapis.com:99999/x",
        "file:///etc/passwd",
        "https://fcm.googleapis.cöm/x",
        "https://fcm.googleapis.com/x\x00y",
        "https://fcm.googleapis.com/x y",
        "https://fcm.googleapis.com/x\r\nHost: evil.example",
        "//fcm.googleapis.com/x",
        "",
    ],
)
def test_only_the_push_services_on_the_list_are_sent_to(
    endpoint: str, vendor: PushService, world: SimpleNamespace, client_of: ClientOf, settings: Any
) -> None:
    settings.PUSH_SERVICES = ["fcm.googleapis.com", ".push.services.mozilla.com"]
    with pytest.raises(Refused):
        service_of(endpoint)
    answer = switch_on(client_of(world.anna), Browser(endpoint))
    assert "nicht zugelassen" in answer.content.decode() and devices() == []


def test_the_list_takes_the_vendors(settings: Any) -> None:
    for host in (
        "fcm.googleapis.com",
        "updates.push.services.mozilla.com",
        "web.push.apple.com",
        "wns2-am3p.notify.windows.com",
    ):
        assert service_of(f"https://{host}/w/?token=x") == (host, 443)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_name_that_points_inside_is_not_sent_to(host: str, vendor: PushService, settings: Any) -> None:
    settings.PUSH_INSIDE, settings.PUSH_SERVICES = False, [f"{host}:{vendor.port}"]
    to = push_crypto.Subscription(**{**vendor.browser().form(), "endpoint": f"https://{host}:{vendor.port}/push/one"})
    with pytest.raises(Refused, match="public"):
        hand_over(Parcel(to, b"{}", timedelta(hours=1), "x"))
    assert vendor.came == []


def test_a_certificate_of_somebody_else_is_no_push_service(vendor: PushService, settings: Any) -> None:
    settings.PUSH_CA_FILE = ""
    answer = hand_over(Parcel(push_crypto.Subscription(**vendor.browser().form()), b"{}", timedelta(hours=1), "x"))
    assert answer.not_now and vendor.came == []


# ── devices are the person's own ───────────────────────────────────────────


@pytest.mark.parametrize("broken", ["p256dh", "auth"])
@pytest.mark.parametrize("value", ["", "x", "ä", "A" * 86, "A" * 5000])
def test_keys_that_are_none_are_not_kept(
    broken: str, value: str, vendor: PushService, world: SimpleNamespace, client_of: ClientOf
) -> None:
    answer = client_of(world.anna).post(
        "/erinnerungen/geraete/", {**vendor.browser().form(), broken: value}, follow=True
    )
    assert answer.status_code == 200 and devices() == []


def test_twice_is_once_ten_are_enough_and_a_shared_browser_belongs_to_the_last(
    vendor: PushService, world: SimpleNamespace, client_of: ClientOf
) -> None:
    anna, ben, shared = client_of(world.anna), client_of(world.ben), vendor.browser("shared")
    switch_on(anna, shared)
    switch_on(anna, shared)
    assert devices() == [("Anna", "Firefox, Linux")]
    switch_on(ben, shared)
    assert devices() == [("Ben", "Firefox, Linux")], "or Anna's notices would appear on Ben's screen"
    for number in range(11):
        answer = switch_on(anna, vendor.browser(f"{number}"))
    assert "schon zehn" in answer.content.decode()
    assert [name for name, _device in devices()].count("Anna") == 10
    switch_on(anna, vendor.browser("0"))


def test_nobody_else_sees_or_removes_it_and_the_web_cannot_read_where_it_leads(
    browser: Browser, world: SimpleNamespace, client_of: ClientOf
) -> None:
    with as_owner():
        device = PushDevice.objects.get()
    for who in (world.ben, world.dirk, world.carla):
        assert client_of(who).post(f"/erinnerungen/geraete/{device.pk}/entfernen/").status_code == 404
        with rls.acting_as(who.pk):
            assert not PushDevice.objects.only("id").exists()
    for column in ("endpoint", "p256dh", "auth"):
        with pytest.raises(ProgrammingError, match="permission denied"), rls.acting_as(world.anna.pk):
            list(PushDevice.objects.values_list(column))
    with rls.acting_as(None), connection.cursor() as cursor:
        cursor.execute("SELECT keep_push_device(gen_random_uuid(), 'x', 'x', 'x', 'x', '', '', now(), 10)")
        assert cursor.fetchone() == (None,)
    assert client_of(world.anna).post(f"/erinnerungen/geraete/{device.pk}/entfernen/").status_code == 302
    assert devices() == []


@pytest.mark.parametrize("end", ["log-out", "log-out elsewhere", "password", "deactivated", "everywhere", "a year"])
def test_it_ends_with_the_sign_in(
    end: str, browser: Browser, world: SimpleNamespace, client_of: ClientOf, at: Any
) -> None:
    client = client_of(world.anna)
    if end.startswith("log-out"):
        which = browser.endpoint if end == "log-out" else "https://127.0.0.1/push/another"
        client.post("/accounts/logout/", {"push_endpoint": which})
    elif end == "password":
        with as_owner():
            world.anna.set_password("eine-ganz-neue-parole")
            world.anna.save()
        client = client_of(world.anna)
        answer = client.post(
            "/accounts/password/change/",
            {
                "oldpassword": "eine-ganz-neue-parole",
                "password1": "noch-eine-parole-9",
                "password2": "noch-eine-parole-9",
            },
        )
        assert answer.status_code == 302
    elif end == "deactivated":
        with rls.acting_as(world.dirk.pk):
            set_active(user=User.objects.get(pk=world.anna.pk), active=False, by=world.dirk)
    elif end == "everywhere":
        with rls.acting_as(world.anna.pk):
            end_sessions(world.anna)
    else:
        with as_owner():
            PushDevice.objects.update(since=TUESDAY - timedelta(days=800))
        as_worker(erase_due)
    assert devices() == ([("Anna", "Firefox, Linux")] if end == "log-out elsewhere" else [])


def test_the_page_asks_as_often_with_ten_devices_as_with_one(
    vendor: PushService, world: SimpleNamespace, client_of: ClientOf, assert_same_queries: Any
) -> None:
    client = client_of(world.anna)

    def add(number: int) -> None:
        switch_on(client, vendor.browser(f"{number}"))

        with as_owner():  # and something was sent, so that it says which were notices
            today = clock.today() - timedelta(days=number)
            SentReminder.objects.create(
                owner=world.anna, what=STEP_DUE, subject=ids.new_id(), meant_for=today, sent_on=today
            )

    assert_same_queries(lambda: client.get("/erinnerungen/"), add)


def test_the_script_is_served_from_the_root_keeps_nothing_and_names_no_page(
    vendor: PushService, client_of: ClientOf
) -> None:
    answer = Client().get("/push-worker.js")
    assert answer.headers["Content-Type"].startswith("text/javascript")
    assert answer.headers["Cache-Control"] == "no-cache"
    text = answer.content.decode()
    assert "fetch" not in text and "caches" not in text and "importScripts" not in text
