"""Free times as a plain function: whatever is offered, taken and free, a slot lies within an offer, on a working day of
both, away from what is taken, and lasts as long as it says, also when the clocks change."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from hypothesis import example, given, settings
from hypothesis import strategies as st

from conversations.slots import STEP, Busy, Calendar, Offer, Offers, Slot, slots
from engagements.reminders import Rhythm

from .test_reminders import BERLIN, ZONES, lives

LISBON, TOKYO = ZoneInfo("Europe/Lisbon"), ZoneInfo("Asia/Tokyo")
BAVARIA = Rhythm(state="BY", zone=BERLIN)
HOUR = timedelta(hours=1)
LENGTHS = [timedelta(minutes=minutes) for minutes in (30, 45, 60, 90)]
# Days around which clocks and calendars jump: both changes of the clocks, leap days, the turn of the year.
JUMPS = [date(2027, 3, 28), date(2026, 10, 25), date(2028, 2, 29), date(2027, 12, 31), date(2032, 2, 29)]
starts = st.datetimes(datetime(2024, 1, 1), datetime(2039, 1, 1), timezones=st.just(UTC)) | st.builds(
    lambda day, hours: datetime.combine(day, time(0), UTC) + timedelta(hours=hours),
    st.sampled_from(JUMPS),
    st.integers(-72, 30),
)
clocks = st.times().map(lambda at: at.replace(second=0, microsecond=0))


@st.composite
def offered(draw: st.DrawFn, now: datetime) -> Offer:
    a, b = sorted(draw(st.tuples(clocks, clocks).filter(lambda pair: pair[0] != pair[1])))
    if draw(st.booleans()):
        return Offer(a, b, weekday=draw(st.integers(0, 6)))
    return Offer(a, b, day=now.date() + timedelta(days=draw(st.integers(-2, 12))))


@st.composite
def situations(draw: st.DrawFn) -> tuple[Offers, Calendar, Calendar, timedelta, datetime]:
    now = draw(starts)

    def taken() -> list[Busy]:
        minutes = draw(st.lists(st.tuples(st.integers(-300, 14 * 1440), st.integers(1, 600)), max_size=8))
        return [(now + timedelta(minutes=at), now + timedelta(minutes=at + long)) for at, long in minutes]

    def person() -> Calendar:
        life = draw(lives)
        absent = life.absent_from and now.date() + timedelta(days=draw(st.integers(0, 10)))
        until = absent and absent + timedelta(days=draw(st.integers(0, 5)))
        return Calendar(replace(life, absent_from=absent, absent_until=until), taken())

    offers = Offers(
        times=tuple(draw(st.lists(offered(now), min_size=1, max_size=6))),
        days_off=frozenset(now.date() + timedelta(days=n) for n in draw(st.lists(st.integers(0, 12), max_size=2))),
        buffer=timedelta(minutes=draw(st.sampled_from([0, 15, 30]))),
        notice=timedelta(hours=draw(st.integers(0, 72))),
        horizon=draw(st.integers(0, 14)),
    )
    return offers, person(), person(), draw(st.sampled_from(LENGTHS)), now


def is_within(slot: Slot, offer: Offer, zone: ZoneInfo) -> bool:
    """By the clock on the companion's wall."""
    begins, ends = (at.astimezone(zone) for at in (slot.starts_at, slot.ends_at))
    if begins.date() != ends.date() or not offer.holds_on(begins.date()):
        return False
    return offer.starts <= begins.time() and ends.time() <= offer.ends


@given(situation=situations())
@settings(max_examples=400, deadline=None)
def test_every_slot_is_offered_free_and_as_long_as_it_says(
    situation: tuple[Offers, Calendar, Calendar, timedelta, datetime],
) -> None:
    offers, companion, learner, length, now = situation
    zone = companion.rhythm.zone
    found = list(slots(offers, companion, learner, length, now, now.date()))
    assert [slot.starts_at for slot in found] == sorted({slot.starts_at for slot in found})
    for slot in found:
        day = slot.starts_at.astimezone(zone).date()
        assert slot.ends_at - slot.starts_at == length and slot.starts_at.tzinfo is UTC
        possible = [offer for offer in offers.times if is_within(slot, offer, zone)]
        assert possible, "never outside of an offer"
        assert day not in offers.days_off
        for person in (companion, learner):
            for at in (slot.starts_at, slot.ends_at):
                there = at.astimezone(person.rhythm.zone).date()
                assert not person.rhythm.is_off(there), "never on a holiday or in an absence"
        if not any(offer.day for offer in possible):
            assert companion.rhythm.works_on(day)
        assert slot.starts_at >= now + offers.notice
        assert day <= now.astimezone(zone).date() + timedelta(days=offers.horizon)
        for begins, ends in companion.busy:
            assert ends + offers.buffer <= slot.starts_at or slot.ends_at <= begins - offers.buffer
        for begins, ends in learner.busy:
            assert ends <= slot.starts_at or slot.ends_at <= begins


@given(situation=situations(), seen=st.integers(0, 12))
@settings(max_examples=200, deadline=None)
def test_what_is_left_out_was_not_free_and_pages_of_days_leave_nothing_out(
    situation: tuple[Offers, Calendar, Calendar, timedelta, datetime], seen: int
) -> None:
    """Taken away what is taken, there are exactly those more that touch it; and a later first day is a part of the whole."""
    offers, companion, learner, length, now = situation
    found = list(slots(offers, companion, learner, length, now, now.date()))
    free = list(slots(offers, replace(companion, busy=()), replace(learner, busy=()), length, now, now.date()))
    kept = [s for s in free if companion.is_free(s, offers.buffer) and learner.is_free(s)]
    assert [s.starts_at for s in found] == [s.starts_at for s in kept]
    later = now.date() + timedelta(days=seen)
    rest = list(slots(offers, companion, learner, length, now, later))
    assert rest == [s for s in found if s.starts_at.astimezone(companion.rhythm.zone).date() >= later]


def begins(offer: Offer, now: datetime, *, length: timedelta = HOUR, **also: object) -> list[str]:
    """The beginnings on the companion's wall, of an offer in Berlin."""
    values = {"horizon": 13, **also}
    found = slots(Offers((offer,), **values), Calendar(BAVARIA), None, length, now, now.date())  # type: ignore[arg-type]
    return [f"{slot.starts_at.astimezone(BERLIN):%d.%m. %H:%M}" for slot in found]


MORNING = Offer(time(9), time(11, 30), weekday=2)


def test_the_morning_of_a_quiet_week() -> None:
    now = datetime(2026, 12, 1, 8, tzinfo=UTC)  # a Tuesday
    assert begins(MORNING, now, horizon=7) == [f"02.12. {t}" for t in ("09:00", "09:30", "10:00", "10:30")]
    assert begins(MORNING, now, horizon=7, length=timedelta(minutes=90)) == [f"02.12. {t}" for t in ("09:00", "09:30", "10:00")]  # fmt: skip
    assert begins(MORNING, now, horizon=0) == []
    assert begins(MORNING, now, horizon=7, notice=timedelta(hours=26)) == []


def test_the_notice_counts_from_now_and_the_buffer_on_both_sides_of_a_talk() -> None:
    now = datetime(2026, 12, 1, 8, 30, tzinfo=UTC)  # 9:30 in Berlin, the day before
    assert begins(MORNING, now, horizon=7, notice=timedelta(hours=24)) == ["02.12. 09:30", "02.12. 10:00", "02.12. 10:30"]  # fmt: skip
    talk = (datetime(2026, 12, 2, 9, tzinfo=UTC), datetime(2026, 12, 2, 9, 30, tzinfo=UTC))  # 10:00 to 10:30
    wide = Offer(time(8), time(13), weekday=2)
    for buffer, expected in ((0, ["08:00", "08:30", "09:00", "10:30", "11:00", "11:30", "12:00"]),
                             (15, ["08:00", "08:30", "11:00", "11:30", "12:00"])):  # fmt: skip
        offers = Offers((wide,), buffer=timedelta(minutes=buffer), horizon=7)
        found = slots(offers, Calendar(BAVARIA, [talk]), None, HOUR, now, now.date())
        assert [f"{s.starts_at.astimezone(BERLIN):%H:%M}" for s in found] == expected
        learner = Calendar(BAVARIA, [talk])  # of the learner's own talks only the time itself is left out
        found = slots(replace(offers), Calendar(BAVARIA), learner, HOUR, now, now.date())
        assert len(list(found)) == 7


def test_ten_o_clock_stays_ten_o_clock_when_the_clocks_change() -> None:
    wednesdays = Offer(time(10), time(11), weekday=2)
    for now, utc in ((datetime(2027, 3, 15, tzinfo=UTC), [9, 8]), (datetime(2026, 10, 12, 12, tzinfo=UTC), [8, 9])):
        found = slots(Offers((wednesdays,), horizon=20), Calendar(Rhythm("BE", BERLIN)), None, HOUR, now, now.date())
        hours = [slot.starts_at for slot in found]
        assert {f"{at.astimezone(BERLIN):%H:%M}" for at in hours} == {"10:00"}
        assert {at.hour for at in hours} == set(utc)


def test_in_the_night_of_the_change_nothing_is_offered_that_no_clock_shows() -> None:
    every_day = Rhythm("BE", BERLIN, work_days=127)
    night = Offer(time(1), time(4), weekday=6)
    for day, local in ((date(2027, 3, 28), {"01:00", "01:30", "03:00"}), (date(2026, 10, 25), {"01:00", "01:30", "02:00", "02:30", "03:00"})):  # fmt: skip
        now = datetime.combine(day - timedelta(days=1), time(12), UTC)
        found = list(slots(Offers((night,), horizon=1), Calendar(every_day), None, HOUR, now, now.date()))
        assert {f"{slot.starts_at.astimezone(BERLIN):%H:%M}" for slot in found} == local
        assert all(slot.ends_at - slot.starts_at == HOUR for slot in found)
    skipped = Offer(time(2), time(2, 45), weekday=6)
    now = datetime(2027, 3, 27, 12, tzinfo=UTC)
    assert list(slots(Offers((skipped,), horizon=1), Calendar(every_day), None, LENGTHS[0], now, now.date())) == []


def test_leap_day_turn_of_the_year_and_holidays_of_both() -> None:
    now = datetime(2028, 2, 28, 12, tzinfo=UTC)
    assert begins(Offer(time(9), time(10), day=date(2028, 2, 29)), now) == ["29.02. 09:00"]
    thursdays, now = Offer(time(9), time(10), weekday=3), datetime(2026, 12, 23, 12, tzinfo=UTC)
    assert begins(thursdays, now, horizon=20) == ["24.12. 09:00", "31.12. 09:00", "07.01. 09:00"]
    wednesdays = Offer(time(9), time(10), weekday=2)  # 6 January: Epiphany in Bavaria, a working day in Berlin
    assert begins(wednesdays, now, horizon=20) == ["30.12. 09:00"]
    for companion, learner in ((BAVARIA, Rhythm("BE", BERLIN)), (Rhythm("BE", BERLIN), BAVARIA)):
        found = slots(Offers((wednesdays,), horizon=21), Calendar(companion), Calendar(learner), HOUR, now, now.date())
        assert [slot.starts_at.day for slot in found] == [30, 13]


def test_an_extra_time_may_lie_on_a_weekday_off_but_not_on_a_holiday() -> None:
    now = datetime(2026, 12, 1, 12, tzinfo=UTC)
    saturday, epiphany = date(2026, 12, 5), date(2027, 1, 6)
    assert begins(Offer(time(9), time(10), day=saturday), now) == ["05.12. 09:00"]
    assert begins(Offer(time(9), time(10), weekday=5), now) == []
    assert begins(Offer(time(9), time(10), day=epiphany), now, horizon=60) == []
    assert begins(Offer(time(9), time(10), day=saturday), now, days_off=frozenset({saturday})) == []


@given(zone=st.sampled_from(ZONES), day=st.sampled_from(JUMPS), hour=st.integers(0, 22))
@example(zone=LISBON, day=date(2027, 3, 28), hour=0)
@settings(max_examples=150, deadline=None)
def test_who_lives_elsewhere_reads_the_same_moment_on_another_clock(zone: ZoneInfo, day: date, hour: int) -> None:
    offer, now = Offer(time(hour), time(hour + 1), day=day), datetime.combine(day, time(0), UTC) - timedelta(days=2)
    at_home = Calendar(Rhythm("BE", zone, work_days=127))
    for found in islice(slots(Offers((offer,), horizon=5), at_home, None, LENGTHS[0], now, now.date()), 4):
        here, there = found.starts_at.astimezone(zone), found.starts_at.astimezone(TOKYO)
        assert here.astimezone(UTC) == there.astimezone(UTC) and here.date() == day and here.hour == hour
        assert (found.starts_at - datetime.combine(day, time(hour), zone).astimezone(UTC)) % STEP == timedelta(0)
