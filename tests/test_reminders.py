"""When a reminder may come: never outside the window, never on a free day, whatever life looks like."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.forms import STATES
from engagements.reminders import CLOSES, OPENS, Rhythm, working_days_between

BERLIN = ZoneInfo("Europe/Berlin")
days = st.dates(date(2024, 1, 1), date(2040, 12, 31))
lives = st.builds(
    Rhythm,
    state=st.sampled_from([code for code, _name in STATES]),
    zone=st.sampled_from([BERLIN, ZoneInfo("Europe/Lisbon"), ZoneInfo("America/New_York")]),
    hour=st.integers(0, 23),
    work_days=st.integers(1, 127),
    absent_from=st.none() | days,
    absent_until=st.none(),
)


@given(life=lives, due=days)
@settings(max_examples=1000, deadline=None)
def test_reminders_keep_to_the_window_and_to_working_days(life: Rhythm, due: date) -> None:
    for moment in (life.reminder_on(due), life.follow_up_on(due)):
        local = moment.astimezone(life.zone)
        assert OPENS <= local.hour < CLOSES
        assert local.date() >= due
        if life.absent_from is None:
            assert life.works_on(local.date())
            assert not life.is_holiday(local.date())
    assert life.follow_up_on(due) > life.reminder_on(due)


@given(life=lives, now=st.datetimes(datetime(2024, 1, 1), datetime(2040, 12, 1), timezones=st.just(UTC)))
@settings(max_examples=1000, deadline=None)
def test_the_next_chance_is_a_chance(life: Rhythm, now: datetime) -> None:
    life = Rhythm(
        state=life.state, zone=life.zone, hour=min(max(life.hour, OPENS), CLOSES - 1), work_days=life.work_days
    )
    later = life.next_chance(now)
    if later is None:
        local = now.astimezone(life.zone)
        assert life.works_on(local.date())
        assert life.hour <= local.hour < CLOSES
    else:
        assert later > now
        assert life.next_chance(later) is None


def test_a_step_for_a_holiday_of_ones_own_state_moves_forward() -> None:
    epiphany = date(2027, 1, 6)
    assert Rhythm(state="BY", zone=BERLIN).reminder_on(epiphany).date() == date(2027, 1, 7)
    assert Rhythm(state="SH", zone=BERLIN).reminder_on(epiphany).date() == epiphany


def test_christmas_counts_no_working_days() -> None:
    assert working_days_between(date(2026, 12, 24), date(2026, 12, 28), "BE") == 1
    assert working_days_between(date(2026, 12, 1), date(2026, 12, 1) + timedelta(days=7), "BE") == 5
