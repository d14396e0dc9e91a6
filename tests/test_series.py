"""Series of talks: looked at before they are saved, one mail, one identity; moved and cancelled alone or with what follows;
again in four weeks; held or not, for the two alone."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import recurring_ical_events
import vobject
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar

from accounts.models import AuditEvent, OutgoingMail, User
from conversations.models import Appointment, Conversation, Preparation
from conversations.series import TAKEN, again_at, plan, regular_times, shifted
from engagements.actions import lifecycle
from engagements.models import Engagement
from engagements.reminders import Rhythm
from engagements.states import State
from lernbegleitung import clock, rls

from .conftest import as_owner
from .test_appointments import booked, sent, typed, url_of

ClientOf = Callable[[User], Client]
BERLIN = ZoneInfo("Europe/Berlin")
BAVARIA = Rhythm("BY", BERLIN)
HOUR = timedelta(hours=1)


def nothing(_starts: datetime, _ends: datetime) -> bool:
    return False


# ── dates ──────────────────────────────────────────────────────────────────


@given(
    st.dates(date(2026, 1, 1), date(2032, 12, 31)), st.integers(0, 23), st.sampled_from([0, 15, 30, 45]),
    st.integers(1, 4), st.integers(2, 12),
)  # fmt: skip
def test_a_series_keeps_its_weekday_and_its_time_by_the_clock(
    first: date, hour: int, minute: int, every: int, number: int
) -> None:
    times = regular_times(first, time(hour, minute), BERLIN, every, number)
    assert len(times) == number or hour == 2, "only the skipped hour is left out"
    for starts in times:
        local = starts.astimezone(BERLIN)
        assert (local.weekday(), local.time()) == (first.weekday(), time(hour, minute))
        assert (local.date() - first).days % (7 * every) == 0
    assert times == sorted(set(times))


@given(st.dates(date(2026, 1, 1), date(2032, 12, 31)), st.integers(8, 18))
def test_what_is_proposed_instead_is_a_day_on_which_both_work(first: date, hour: int) -> None:
    rhythms = [BAVARIA, Rhythm("BE", BERLIN, work_days=0b0001111)]
    for slot in plan(regular_times(first, time(hour), BERLIN, 1, 6), HOUR, BERLIN, rhythms, nothing):
        day = slot.at.astimezone(BERLIN).date()
        assert bool(slot.trouble) != all(rhythm.works_on(day) for rhythm in rhythms)
        if slot.instead:
            later = slot.instead.astimezone(BERLIN)
            assert all(rhythm.works_on(later.date()) for rhythm in rhythms) and later.hour == hour
            assert slot.usual() == "move"


def test_nobody_can_keep_a_taken_time_but_a_free_day_one_can() -> None:
    times = regular_times(date(2026, 12, 25), time(10), BERLIN, 1, 2)
    free, ok = plan(times, HOUR, BERLIN, [Rhythm("BY", BERLIN, work_days=127)], nothing)[0], times[1]
    assert (free.trouble, free.choices()) == ("free_day", ["keep", "move", "skip"])
    taken = plan([ok], HOUR, BERLIN, [], lambda starts, ends: True)[0]
    assert (taken.trouble, taken.choices(), taken.chosen("keep")) == (TAKEN, ["skip"], None)


@given(st.dates(date(2026, 1, 1), date(2032, 12, 31)), st.integers(8, 18))
def test_four_weeks_later_is_a_working_day_within_the_week(first: date, hour: int) -> None:
    starts = datetime.combine(first, time(hour), BERLIN)
    later = again_at(starts, BERLIN, [BAVARIA]).astimezone(BERLIN)
    assert 28 <= (later.date() - first).days <= 34 and later.hour == hour and BAVARIA.works_on(later.date())


def test_moving_by_days_keeps_the_clock_over_its_change() -> None:
    found = shifted(datetime(2027, 3, 22, 9, tzinfo=BERLIN), timedelta(days=8), time(14), BERLIN)
    assert found == datetime(2027, 3, 30, 14, tzinfo=BERLIN)


# ── in the application ─────────────────────────────────────────────────────


@pytest.fixture
def active(engagement_in: Callable[..., Engagement]) -> Engagement:
    return engagement_in(State.ACTIVE)


def monday() -> date:
    """A Monday in spring from which twelve weeks have no holiday but Easter, Whitsun and May: the 1st of February 2027."""
    return date(2027, 2, 1)


def series_url(engagement: Engagement) -> str:
    return f"/begleitungen/{engagement.pk}/termine/reihe/"


def wish(**also: Any) -> dict[str, str]:
    return typed(**{"day": monday().isoformat(), "time": "09:00", "every": "2", "number": "4", **also})


def make(client: Client, engagement: Engagement, **also: Any) -> list[Appointment]:
    assert client.post(series_url(engagement), wish(checked="1", **also)).status_code == 302
    return booked()


def days(appointments: list[Appointment]) -> list[str]:
    found = sorted((a for a in appointments if not a.cancelled_at), key=lambda a: a.starts_at)
    return [f"{a.starts_at.astimezone(BERLIN):%d.%m. %H:%M}" for a in found]


def mails(kind: str = "") -> list[OutgoingMail]:
    with as_owner():
        return list(OutgoingMail.objects.filter(kind__startswith=kind or "series_").order_by("pk"))


def read(text: str) -> list[str]:
    """The standing occurrences as an independent library expands them, by the clock."""
    found = recurring_ical_events.of(Calendar.from_ical(text)).between(date(2026, 1, 1), date(2028, 1, 1))
    standing = [event["DTSTART"].dt.astimezone(BERLIN) for event in found if event["STATUS"] != "CANCELLED"]
    return [f"{starts:%d.%m. %H:%M}" for starts in sorted(standing)]


def test_the_dates_are_shown_and_nothing_is_saved_until_they_are_confirmed(
    client_of: ClientOf, anna: User, active: Engagement
) -> None:
    client = client_of(anna)
    assert "Mehrere Termine vereinbaren" in client.get(series_url(active)).content.decode()
    page = client.post(series_url(active), wish(every="4", number="3", day="2026-12-28")).content.decode()
    assert booked() == [] and page.count("<legend>") == 3
    page = client.post(series_url(active), wish(day="2027-03-01", every="4", number="2")).content.decode()
    assert "arbeitet eine oder einer von Ihnen beiden nicht" in page, "Easter Monday, 29 March"
    assert "Dienstag, 30. März" in page
    make(client, active)
    assert days(booked()) == ["01.02. 09:00", "15.02. 09:00", "01.03. 09:00", "15.03. 09:00"]


def test_both_are_told_once_with_all_dates_and_their_calendars_read_the_series(
    client_of: ClientOf, anna: User, active: Engagement
) -> None:
    made = make(client_of(anna), active, number="6")
    assert len(made) == 6 and len({a.series for a in made}) == 1
    told = mails()
    assert [mail.kind for mail in told] == ["series_new"] * 2 and not sent("appointment_new")
    assert len(told[0].facts["dates"]) == 6
    with as_owner():
        assert [e.kind for e in AuditEvent.objects.filter(kind__startswith="appointment")] == [
            "appointment.series_made"
        ]
    event = vobject.readOne(told[0].attachment).vevent
    assert event.uid.value.startswith(f"{made[0].series}@")
    regular = ["01.02. 09:00", "15.02. 09:00", "01.03. 09:00", "15.03. 09:00", "29.03. 09:00", "12.04. 09:00"]
    assert [f"{d:%d.%m. %H:%M}" for d in event.getrruleset(addRDate=True)] == regular
    moved = ["30.03. 09:00" if words == "29.03. 09:00" else words for words in regular]  # Easter Monday
    assert read(told[0].attachment) == days(made) == moved, "over the change of the clocks"


def test_a_free_day_is_moved_or_left_out_as_one_likes_and_calendars_follow(
    client_of: ClientOf, anna: User, active: Engagement
) -> None:
    chosen = {"day": "2027-03-01", "every": "4", "number": "3"}
    made = make(client_of(anna), active, **chosen)
    assert days(made) == read(mails()[0].attachment) == ["01.03. 09:00", "30.03. 09:00", "26.04. 09:00"]
    again = make(client_of(anna), active, **chosen, time="14:00", id=uuid.uuid4(), **{"slot-1": "skip"})
    assert len(again) == 5
    assert read(mails()[-1].attachment) == ["01.03. 14:00", "26.04. 14:00"]


def test_the_same_form_twice_is_once(client_of: ClientOf, anna: User, active: Engagement) -> None:
    client, form = client_of(anna), wish(checked="1")
    for _twice in range(2):
        assert client.post(series_url(active), form).status_code == 302
    assert len(booked()) == 4 and len(mails()) == 2


def test_a_taken_time_is_shown_and_cannot_be_kept(client_of: ClientOf, anna: User, active: Engagement) -> None:
    client = client_of(anna)
    client.post(url_of(active), typed(day="2027-02-15", time="09:30"))
    page = client.post(series_url(active), wish()).content.decode()
    assert "schon belegt" in page and "Dienstag, 16. Februar" in page
    made = make(client, active, **{"slot-1": "keep"})
    assert set(days(made)) >= {"15.02. 09:30", "16.02. 09:00"} and len(made) == 5


@pytest.mark.parametrize(
    ("wrong", "words"),
    [({"number": "1"}, "zwischen 2 und 12"), ({"number": "13"}, "zwischen 2 und 12"), ({"number": "x"}, "zwischen 2 und 12"),
     ({"every": "9"}, "Wie oft"), ({"day": ""}, "Wählen Sie einen Tag")],
)  # fmt: skip
def test_what_is_wrong_is_told_and_nothing_typed_is_lost(
    client_of: ClientOf, anna: User, active: Engagement, wrong: dict[str, str], words: str
) -> None:
    response = client_of(anna).post(series_url(active), wish(place="Zimmer 12", **wrong))
    page = response.content.decode()
    assert response.status_code == 422 and words in page and "Zimmer 12" in page and booked() == []


@pytest.fixture
def series(client_of: ClientOf, anna: User, active: Engagement) -> list[Appointment]:
    """Four Mondays, every two weeks, from the 1st of February 2027."""
    return sorted(make(client_of(anna), active), key=lambda a: a.starts_at)


def test_moving_one_keeps_the_others_and_its_preparation_and_its_identity(
    client_of: ClientOf, anna: User, series: list[Appointment]
) -> None:
    with as_owner(), rls.acting_as(anna.pk):
        sheet = Preparation(conversation=series[1].conversation, owner=anna)
        sheet.before = "Langsamer sprechen"
        sheet.save()
    url = f"/termine/{series[1].pk}/verschieben/"
    page = client_of(anna).get(url).content.decode()
    assert "Diesen und alle folgenden der Reihe" in page
    assert client_of(anna).post(url, wish(day="2027-02-17", time="11:00", sequence=0, which="one")).status_code == 302
    assert set(days(booked())) == {"01.02. 09:00", "17.02. 11:00", "01.03. 09:00", "15.03. 09:00"}
    (moved,) = {mail.attachment for mail in sent("appointment_moved") if mail.recipient.pk == anna.pk}
    event = vobject.readOne(moved).vevent
    master = vobject.readOne(mails()[0].attachment).vevent
    assert event.uid.value == master.uid.value and event.sequence.value == "1"
    assert event.recurrence_id.value.replace(tzinfo=None) == datetime(2027, 2, 15, 9)
    whole = client_of(anna).get(f"/termine/{series[0].pk}/termin.ics").content.decode()
    assert read(whole) == ["01.02. 09:00", "17.02. 11:00", "01.03. 09:00", "15.03. 09:00"]
    assert (
        "Langsamer sprechen"
        in client_of(anna).get(f"/gespraeche/{series[1].conversation.pk}/vorbereiten/").content.decode()
    )


@pytest.mark.parametrize(("day", "at", "found"), [
    ("2027-02-16", "09:00", ["01.02. 09:00", "16.02. 09:00", "02.03. 09:00", "16.03. 09:00"]),
    ("2027-03-01", "09:00", ["01.02. 09:00", "01.03. 09:00", "15.03. 09:00", "29.03. 09:00"]),
    ("2027-02-08", "08:00", ["01.02. 09:00", "08.02. 08:00", "22.02. 08:00", "08.03. 08:00"]),
])  # fmt: skip
def test_moving_this_and_all_following_is_one_mail(
    client_of: ClientOf, ben: User, series: list[Appointment], day: str, at: str, found: list[str]
) -> None:
    url = f"/termine/{series[1].pk}/verschieben/"
    for _twice in range(2):
        client_of(ben).post(url, wish(day=day, time=at, sequence=0, which="following"))
    assert sorted(days(booked()), key=lambda words: words[3:6] + words[:2]) == found
    assert [mail.kind for mail in mails()] == ["series_new"] * 2 + ["series_moved"] * 2 and not sent(
        "appointment_moved"
    )
    calendar = Calendar.from_ical(mails()[-1].attachment)
    assert [(int(e["SEQUENCE"]), e["STATUS"]) for e in calendar.walk("VEVENT")] == [(1, "CONFIRMED")] * 3
    assert len({str(e["UID"]) for e in calendar.walk("VEVENT")}) == 1
    whole = client_of(ben).get(f"/termine/{series[0].pk}/termin.ics").content.decode()
    assert sorted(read(whole), key=lambda words: words[3:6] + words[:2]) == found


def test_moving_all_into_something_else_moves_none(
    client_of: ClientOf, anna: User, active: Engagement, series: list[Appointment]
) -> None:
    client_of(anna).post(url_of(active), typed(day="2027-03-02", time="09:00"))
    answer = client_of(anna).post(
        f"/termine/{series[1].pk}/verschieben/", wish(day="2027-02-16", sequence=0, which="following")
    )
    assert answer.status_code == 422 and "Zu dieser Zeit" in answer.content.decode()
    assert set(days(booked())) == {*days(series), "02.03. 09:00"}


def test_cancelling_this_and_all_following_is_one_mail_and_keeps_what_was_before(
    client_of: ClientOf, anna: User, series: list[Appointment]
) -> None:
    url = f"/termine/{series[2].pk}/absagen/"
    assert "2 Termine" in client_of(anna).get(url).content.decode()
    for _twice in range(2):
        assert client_of(anna).post(url, {"which": "following"}).status_code == 302
    assert len(days(booked())) == 2
    told = mails("series_cancelled")
    assert len(told) == 2 and "\r\nMETHOD:CANCEL\r\n" in told[0].attachment
    found = Calendar.from_ical(told[0].attachment).walk("VEVENT")
    assert [(f"{e['RECURRENCE-ID'].dt:%d.%m.}", e["STATUS"]) for e in found] == [
        ("01.03.", "CANCELLED"),
        ("15.03.", "CANCELLED"),
    ]
    assert read(client_of(anna).get(f"/termine/{series[0].pk}/termin.ics").content.decode()) == [
        "01.02. 09:00",
        "15.02. 09:00",
    ]


def test_cancelling_one_of_a_series(client_of: ClientOf, anna: User, series: list[Appointment]) -> None:
    client_of(anna).post(f"/termine/{series[1].pk}/absagen/", {"which": "one"})
    assert len(days(booked())) == 3 and len(sent("appointment_cancelled")) == 2


def test_when_the_two_part_a_whole_series_is_cancelled_by_one_mail(
    client_of: ClientOf, ben: User, active: Engagement, series: list[Appointment]
) -> None:
    with rls.acting_as(ben.pk):
        lifecycle.close(engagement=Engagement.objects.get(pk=active.pk), by=ben)
    assert days(booked()) == [] and len(mails("series_cancelled")) == 2 and not sent("appointment_cancelled")


# ── again, and held ────────────────────────────────────────────────────────


@pytest.fixture
def over(active: Engagement, world: SimpleNamespace) -> Appointment:
    """A talk that is over since an hour."""
    now = clock.now()
    with as_owner():
        row = Appointment.objects.create(
            engagement=active, learner=world.anna, companion=world.ben, format="video", place="Raum 3",
            starts_at=now - 2 * HOUR, ends_at=now - HOUR,
        )  # fmt: skip
        Conversation.objects.create(engagement=active, appointment=row)
    return row


def test_one_click_arranges_the_same_in_four_weeks(client_of: ClientOf, ben: User, over: Appointment) -> None:
    client = client_of(ben)
    assert "In vier Wochen wieder" in client.get(f"/termine/{over.pk}/").content.decode()
    for _twice in range(2):
        response = client.post(f"/termine/{over.pk}/wieder/")
    (_old, new) = booked()
    assert response.headers["Location"] == f"/termine/{new.pk}/"
    local = new.starts_at.astimezone(BERLIN)
    assert 28 <= (local.date() - over.starts_at.astimezone(BERLIN).date()).days <= 34
    assert local.time() == over.starts_at.astimezone(BERLIN).time() and new.place == "Raum 3"
    assert BAVARIA.works_on(local.date()) and len(sent("appointment_new")) == 2


def test_where_that_is_taken_the_form_stands_with_the_day(
    client_of: ClientOf, ben: User, active: Engagement, over: Appointment, engagement_in: Any, world: SimpleNamespace
) -> None:
    other = engagement_in(State.ACTIVE, learner=world.stranger)
    starts = again_at(over.starts_at, BERLIN, [BAVARIA, Rhythm("BW", BERLIN)])
    with as_owner():
        Appointment.objects.create(
            engagement=other, learner=world.stranger, companion=world.ben, format="video", starts_at=starts,
            ends_at=starts + HOUR,
        )  # fmt: skip
    client = client_of(ben)
    response = client.post(f"/termine/{over.pk}/wieder/", follow=True)
    page = response.content.decode()
    assert "Zu dieser Zeit ist schon etwas anderes" in page
    assert (
        f'value="{starts.astimezone(BERLIN):%Y-%m-%d}"' in page and f'value="{starts.astimezone(BERLIN):%H:%M}"' in page
    )


def test_whether_it_took_place_is_for_the_two_alone(
    client_of: ClientOf, world: SimpleNamespace, over: Appointment
) -> None:
    address = f"/termine/{over.pk}/stattgefunden/"
    for who, code in ((world.stranger, 404), (world.carla, 404), (world.dirk, 404), (world.eva, 404), (world.ben, 302)):
        assert client_of(who).post(address, {"held": "no"}).status_code == code
    page = client_of(world.anna).get(f"/termine/{over.pk}/").content.decode()
    assert "hat nicht stattgefunden" in page and "Gespräch dokumentieren" not in page
    assert "noch zu dokumentieren" not in client_of(world.anna).get("/heute/").content.decode()
    for who, seen in (
        (world.anna, 1),
        (world.ben, 1),
        (world.carla, 0),
        (world.dirk, 0),
        (world.stranger, 0),
        (None, 0),
    ):
        with rls.acting_as(who.pk if who else None):
            assert Appointment.objects.filter(held=False).count() == seen
    with as_owner():
        kinds = set(AuditEvent.objects.values_list("kind", flat=True))
        assert not any("held" in kind for kind in kinds) and not OutgoingMail.objects.exists(), "no line, no mail"
    client_of(world.anna).post(address, {"held": "yes"})
    assert "Gespräch dokumentieren" in client_of(world.ben).get(f"/termine/{over.pk}/").content.decode()
    client_of(world.anna).post(address, {"held": ""})
    assert booked()[0].held is None


def test_before_it_is_over_nobody_can_say(client_of: ClientOf, anna: User, series: list[Appointment]) -> None:
    client_of(anna).post(f"/termine/{series[0].pk}/stattgefunden/", {"held": "no"})
    assert booked()[0].held is None


def test_no_figure_asks_for_it() -> None:
    """Nothing but the appointment's own page, the pair's overviews and the learner's own file knows the column."""
    root = Path(__file__).parents[1]
    using = {
        str(file.relative_to(root))
        for file in (root / "conversations").rglob("*.py")
        if any(word in file.read_text() for word in (".held", "held=", '"held"')) and "migrations" not in str(file)
    }
    assert using == {
        "conversations/access.py", "conversations/actions/series.py", "conversations/overview.py", "conversations/portfolio.py",
        "conversations/privacy.py", "conversations/stations.py", "conversations/urls.py", "conversations/views/series.py",
    }  # fmt: skip
