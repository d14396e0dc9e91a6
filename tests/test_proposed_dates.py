"""Proposed dates: one names up to three, the other takes one of them, none, or names others."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from accounts.models import FreeDay, User
from conversations import mails
from conversations.models import DateProposal
from engagements.models import Engagement
from engagements.states import State
from lernbegleitung import clock, rls

from .conftest import as_owner
from .test_appointments import booked, sent
from .test_booking import at, form_of, talk_at
from .test_offered_times import coming, offered
from .test_retention import run_as_worker

pytestmark = pytest.mark.django_db
Make = Callable[..., Engagement]
ClientOf = Callable[[User], Client]


@pytest.fixture
def active(engagement_in: Make) -> Engagement:
    return engagement_in(State.ACTIVE)


def propose_url(engagement: Engagement) -> str:
    return reverse("conversations:propose_dates", args=[engagement.pk])


def answer_url(engagement: Engagement) -> str:
    return reverse("conversations:dates", args=[engagement.pk])


def typed(**also: Any) -> dict[str, str]:
    """Three dates on two working days, at ten and fourteen."""
    values = {
        "id": uuid.uuid4(), "kind": "conversation", "duration": 45, "format": "phone", "place": "0911 123",
        "day1": coming(1), "time1": "10:00", "day2": coming(2), "time2": "14:00", "day3": coming(3), "time3": "9:30",
    }  # fmt: skip
    return {name: str(value) for name, value in (values | also).items()}


def proposals() -> list[DateProposal]:
    with as_owner():
        return list(DateProposal.objects.order_by("proposed_at"))


def answer(proposal: DateProposal, what: str, starts_at: Any = "") -> dict[str, str]:
    beginn = starts_at.isoformat() if starts_at else ""
    return {"vorschlag": str(proposal.pk), "antwort": what, "beginn": beginn}


@pytest.fixture
def proposal(client_of: ClientOf, anna: User, active: Engagement) -> DateProposal:
    client_of(anna).post(propose_url(active), typed())
    return proposals()[0]


# ── proposing ──────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("who", "other"), [("anna", "ben"), ("ben", "anna")])
def test_either_proposes_and_the_other_is_told_without_a_word_about_it(
    who: str, other: str, world: SimpleNamespace, client_of: ClientOf, active: Engagement
) -> None:
    form = typed()
    responses = [client_of(getattr(world, who)).post(propose_url(active), form) for _time in range(2)]
    assert {response["Location"] for response in responses} == {answer_url(active)}, "twice is once"
    (proposal,) = proposals()
    assert proposal.dates == sorted([at(coming(1), 10), at(coming(2), 14), at(coming(3), 9, 30)])
    assert (proposal.minutes, proposal.format, proposal.place, proposal.until) == (45, "phone", "0911 123", max(proposal.dates))  # fmt: skip
    (mail,) = sent("dates_proposed")
    assert mail.recipient == getattr(world, other)
    assert mail.facts == {"path": answer_url(active), "until": proposal.until.isoformat()}
    page = client_of(getattr(world, other)).get(answer_url(active)).content.decode()
    assert page.count('type="radio"') == 3 and "10:00 bis 10:45 Uhr" in page and "Das lesen Sie und" in page
    own = client_of(getattr(world, who)).get(answer_url(active)).content.decode()
    assert 'type="radio"' not in own and "Vorschlag zurücknehmen" in own


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"day1": "", "time1": ""}, "Wählen Sie einen Tag."),
        ({"time2": ""}, "Tragen Sie auch die Uhrzeit ein."),
        ({"day3": ""}, "Wählen Sie auch den Tag aus."),
        ({"day1": "2020-01-01"}, "Dieser Tag ist schon vorbei."),
        ({"time1": "zehn"}, "Schreiben Sie die Uhrzeit zum Beispiel so: 10:30."),
        ({"place": "javascript:x"}, "Dieser Link ist nicht möglich."),
        ({"duration": "20"}, "ist keine gültige Auswahl"),
        ({"day2": "same", "time2": "10:00"}, "Diesen Termin haben Sie schon genannt."),
    ],
)
def test_what_is_wrong_is_said_beside_it_and_the_rest_stays(
    changed: dict[str, str], sentence: str, client_of: ClientOf, anna: User, active: Engagement
) -> None:
    form = typed(**{name: coming(1) if value == "same" else value for name, value in changed.items()})
    response = client_of(anna).post(propose_url(active), form)
    page = response.content.decode()
    assert response.status_code == 422 and sentence in page and proposals() == []
    assert 'value="09:30"' in page or 'value="9:30"' in page


def test_what_is_taken_is_not_proposed(
    world: SimpleNamespace, client_of: ClientOf, active: Engagement, engagement_in: Make
) -> None:
    other = engagement_in(State.ACTIVE, learner=world.stranger)
    talk_at(other, at(coming(2), 13, 30))
    response = client_of(world.anna).post(propose_url(active), typed())
    page = response.content.decode()
    assert response.status_code == 422 and proposals() == [] and "Fritz" not in page
    assert page.count("Dann hat eine oder einer von Ihnen beiden schon einen anderen Termin.") >= 1


def test_one_proposal_is_open_and_a_new_one_answers_the_one_before(
    world: SimpleNamespace, client_of: ClientOf, active: Engagement
) -> None:
    anna, ben = client_of(world.anna), client_of(world.ben)
    anna.post(propose_url(active), typed())
    anna.post(propose_url(active), typed(time1="11:00"))
    ben.post(propose_url(active), typed(time1="12:00"))
    assert [row.answer for row in proposals()] == ["back", "none_fits", "open"]
    assert len(sent("dates_proposed")) == 3
    with as_owner(), pytest.raises(IntegrityError), transaction.atomic():
        DateProposal.objects.update(answer="open")
    with as_owner(), pytest.raises(IntegrityError), transaction.atomic():
        DateProposal.objects.update(dates=[])


# ── answering ──────────────────────────────────────────────────────────────


def test_one_of_the_dates_is_taken_and_then_it_stands(
    client_of: ClientOf, ben: User, active: Engagement, proposal: DateProposal
) -> None:
    chosen = sorted(proposal.dates)[1]
    client = client_of(ben)
    responses = [client.post(answer_url(active), answer(proposal, "nehmen", chosen)) for _time in range(2)]
    (appointment,) = booked()
    assert {response["Location"] for response in responses} == {f"/termine/{appointment.pk}/"}, "twice is once"
    assert (appointment.starts_at, appointment.duration(), appointment.format, appointment.place) == (
        chosen, timedelta(minutes=45), "phone", "0911 123",
    )  # fmt: skip
    assert proposals()[0].answer == "taken"
    assert {mail.recipient.email for mail in sent("appointment_new")} == {"anna@example.org", "ben@example.org"}


def test_none_fits_is_told_and_leads_to_other_dates(
    client_of: ClientOf, anna: User, ben: User, active: Engagement, proposal: DateProposal
) -> None:
    client = client_of(ben)
    for _time in range(2):
        assert client.post(answer_url(active), answer(proposal, "keiner"))["Location"] == propose_url(active)
    (mail,) = sent("dates_none_fits")
    assert mail.recipient == anna and proposals()[0].answer == "none_fits"
    assert client.get(answer_url(active))["Location"] == reverse("conversations:engagement", args=[active.pk])


def test_who_proposed_takes_it_back_and_cannot_take_a_date(
    client_of: ClientOf, anna: User, active: Engagement, proposal: DateProposal
) -> None:
    client = client_of(anna)
    client.post(answer_url(active), answer(proposal, "nehmen", proposal.dates[0]))
    client.post(answer_url(active), answer(proposal, "keiner"))
    assert booked() == [] and proposals()[0].answer == "open"
    for _time in range(2):
        client.post(answer_url(active), answer(proposal, "zurueck"))
    assert proposals()[0].answer == "back"


def test_a_date_that_is_taken_meanwhile_is_not_booked_and_the_others_are_still_there(
    world: SimpleNamespace, client_of: ClientOf, active: Engagement, engagement_in: Make, proposal: DateProposal
) -> None:
    first, second, _third = sorted(proposal.dates)
    talk_at(engagement_in(State.ACTIVE, learner=world.stranger), first)
    client = client_of(world.ben)
    page = client.get(answer_url(active)).content.decode()
    assert "Inzwischen schon vergeben." in page and page.count("disabled") == 1
    response = client.post(answer_url(active), answer(proposal, "nehmen", first))
    page = response.content.decode()
    assert response.status_code == 422 and "inzwischen schon vergeben" in page and page.count('type="radio"') == 3
    assert len(booked()) == 1 and proposals()[0].answer == "open"
    client.post(answer_url(active), answer(proposal, "nehmen", second))
    assert [row.starts_at for row in booked()] == [first, second]


@pytest.mark.parametrize("beginn", ["", "x", "2030-01-01T10:00:00+00:00"])
def test_a_date_that_was_not_proposed_is_not_taken(
    beginn: str, client_of: ClientOf, ben: User, active: Engagement, proposal: DateProposal
) -> None:
    form = answer(proposal, "nehmen") | {"beginn": beginn}
    assert client_of(ben).post(answer_url(active), form).status_code in (302, 422)
    assert client_of(ben).post(answer_url(active), form | {"vorschlag": "x"}).status_code == 302
    assert client_of(ben).post(answer_url(active), form | {"vorschlag": str(uuid.uuid4())}).status_code == 302
    assert booked() == [] and proposals()[0].answer == "open"


def test_it_lapses_when_another_talk_is_agreed_or_its_time_is_past(
    client_of: ClientOf, ben: User, anna: User, active: Engagement, proposal: DateProposal
) -> None:
    offered(ben, (4, 9, 12))
    client_of(anna).post(reverse("conversations:book", args=[active.pk]), form_of(at(coming(4), 9)))
    assert len(booked()) == 1 and proposals()[0].answer == "lapsed"
    client_of(ben).post(answer_url(active), answer(proposal, "nehmen", proposal.dates[0]))
    assert len(booked()) == 1
    with as_owner():
        past = clock.now() - timedelta(minutes=5)
        DateProposal.objects.update(answer="open", dates=[past], until=past)
    assert client_of(ben).get(answer_url(active)).status_code == 302
    client_of(ben).post(answer_url(active), answer(proposal, "nehmen", past))
    assert len(booked()) == 1


def test_mails_about_what_is_past_are_not_sent(proposal: DateProposal) -> None:
    (mail,) = sent("dates_proposed")
    with as_owner():
        assert mails.decide_dates(mail).send
        mail.facts["until"] = (clock.now() - timedelta(minutes=1)).isoformat()
        assert not mails.decide_dates(mail).send


# ── seen where one looks ───────────────────────────────────────────────────


def test_it_waits_on_heute_and_stands_on_the_page_of_the_two(
    client_of: ClientOf, anna: User, ben: User, active: Engagement
) -> None:
    today, engagement = reverse("conversations:today"), reverse("conversations:engagement", args=[active.pk])
    waits, chooses = "schlägt Ihnen Termine vor", "wählt noch"
    for proposer, other in ((anna, ben), (ben, anna)):
        client_of(proposer).post(propose_url(active), typed())
        for address in (today, engagement):
            theirs, own = (client_of(user).get(address).content.decode() for user in (other, proposer))
            assert waits in theirs and answer_url(active) in theirs, (address, other.name)
            assert waits not in own and chooses in own, (address, proposer.name)
    with as_owner():
        DateProposal.objects.update(answer="back")
    assert waits not in client_of(anna).get(today).content.decode()


def test_a_day_off_of_either_is_told_and_not_forbidden(
    world: SimpleNamespace, client_of: ClientOf, active: Engagement
) -> None:
    day = coming(1)
    with as_owner():
        FreeDay.objects.create(day=day, agency=world.ulm, name_de="Betriebsausflug")
    anna, ben = client_of(world.anna), client_of(world.ben)
    page = anna.get(propose_url(active)).content.decode()
    assert f"{day.day}." in page.partition("Frei: ")[2][:200] and "(nur Ben Beispiel)" in page
    anna.post(propose_url(active), typed(day2="", time2="", day3="", time3=""))
    (proposal,) = proposals()
    assert "An diesem Tag haben Sie frei." in ben.get(answer_url(active)).content.decode()
    assert "An diesem Tag hat Ben Beispiel frei." in anna.get(answer_url(active)).content.decode()
    ben.post(answer_url(active), answer(proposal, "nehmen", proposal.dates[0]))
    (appointment,) = booked()
    assert "An diesem Tag hat Ben Beispiel frei." in anna.get(f"/termine/{appointment.pk}/").content.decode()


def test_strangers_and_rest(
    world: SimpleNamespace, client_of: ClientOf, engagement_in: Make, active: Engagement
) -> None:
    for address in (propose_url(active), answer_url(active)):
        assert client_of(world.stranger).get(address).status_code == 404
    with as_owner():
        Engagement.objects.filter(pk=active.pk).update(state=State.PAUSED, paused_at=clock.now())
    client_of(world.anna).post(propose_url(active), typed())
    assert proposals() == []


def test_who_accompanies_later_sees_no_proposal_of_before(
    world: SimpleNamespace, active: Engagement, proposal: DateProposal, client_of: ClientOf
) -> None:
    with as_owner():
        from .people import make_companion

        make_companion(world.stranger)
        Engagement.objects.filter(pk=active.pk).update(companion=world.stranger)
    with rls.acting_as(world.stranger.pk):
        assert not DateProposal.objects.exists()
    assert client_of(world.stranger).get(answer_url(active)).status_code == 302
    assert client_of(world.anna).get(answer_url(active)).status_code == 302


def test_nobody_proposes_in_the_name_of_the_other(world: SimpleNamespace, active: Engagement) -> None:
    moment = at(coming(1), 10)
    for proposer, companion in ((world.ben, world.ben), (world.anna, world.stranger)):
        row = DateProposal(
            engagement=active, companion=companion, proposed_by=proposer, dates=[moment], until=moment, minutes=30,
            format="video",
        )  # fmt: skip
        with rls.acting_as(world.anna.pk), pytest.raises(Exception, match="row-level security"), transaction.atomic():
            row.save(force_insert=True)


def test_what_is_answered_or_past_is_erased_after_thirty_days(proposal: DateProposal) -> None:
    run_as_worker()
    assert len(proposals()) == 1
    with as_owner():
        DateProposal.objects.update(until=clock.now() - timedelta(days=31))
    run_as_worker()
    assert proposals() == []


def test_the_clock_of_the_other_one_is_shown(
    world: SimpleNamespace, client_of: ClientOf, active: Engagement, proposal: DateProposal
) -> None:
    with as_owner():
        User.objects.filter(pk=world.ben.pk).update(time_zone="Asia/Tokyo")
    page = client_of(world.ben).get(answer_url(active)).content.decode()
    assert "Tokyo" in page and "Bei Anna Beispiel: 10:00 bis 10:45 Uhr." in page
