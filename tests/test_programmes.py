"""Occasions and programmes: the administration writes them in both languages, copies them, lets them rest; pairs keep theirs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import IntegrityError, ProgrammingError, connection, transaction
from django.test import Client
from django.urls import reverse

from accounts.actions import agencies
from accounts.models import AuditEvent, User
from conversations.appointments import Kind
from conversations.models import Appointment, Conversation
from engagements.models import Engagement, Occasion, Programme, ProgrammeVersion
from engagements.programmes import agreed_version
from lernbegleitung import clock, ids, rls

from .conftest import as_owner
from .people import person

pytestmark = pytest.mark.django_db
ClientOf = Callable[[User], Client]
Make = Callable[..., Engagement]
LIST = "/programme/"


def values_of(world: SimpleNamespace, **also: Any) -> dict[str, Any]:
    """What the form of a programme sends."""
    values = {
        "id": ids.new_id(), "version": 0, "name_de": "In Führung gehen", "name_en": "Into leadership",
        "about_de": "Für alle, die zum ersten Mal führen.", "about_en": "For those who lead for the first time.",
        "occasion": world.occasion.pk, "agency": world.south.pk, "weeks": 3, "talks": 6, "first_guide": "introduction",
    }  # fmt: skip
    return {**values, **also}


def programme_of(world: SimpleNamespace, **also: Any) -> Programme:
    """A programme that stands in the database."""
    suggested = {
        name: also.pop(name) for name in [*also] if hasattr(ProgrammeVersion, name) and not hasattr(Programme, name)
    }
    values = {"name_de": "In Führung gehen", "name_en": "Into leadership", "agency": world.south}
    with as_owner():
        programme = Programme.objects.create(**{**values, **also})
        version_of(world, programme, 1, **suggested)
    return programme


def version_of(world: SimpleNamespace, programme: Programme, number: int, **also: Any) -> ProgrammeVersion:
    values = {
        "about_de": "Für neue Führungskräfte.",
        "about_en": "For new leaders.",
        "occasion": world.occasion,
        "weeks": 3,
    }
    with as_owner():
        return ProgrammeVersion.objects.create(
            programme=programme, number=number, made_by=world.dirk, **{**values, **also}
        )


def test_an_occasion_comes_in_both_languages_without_a_change_of_code(
    world: SimpleNamespace, client_of: ClientOf, dirk: User, anna: User, engagement_in: Make
) -> None:
    client, sent = (
        client_of(dirk),
        {"code": "anewcode", "name_de": "Rückkehr aus der Elternzeit", "name_en": "Back from leave"},
    )
    for _click in range(2):
        client.post(reverse("engagements:occasion_create"), sent)
    made = Occasion.objects.get(code="anewcode")
    assert (made.name_de, made.name_en, made.is_active) == ("Rückkehr aus der Elternzeit", "Back from leave", True)
    assert made == list(Occasion.objects.all())[-1], "own topics stay first"
    draft, page = engagement_in("draft"), client_of(anna)
    assert "Rückkehr aus der Elternzeit" in page.get(reverse("engagements:why", args=[draft.pk])).content.decode()
    assert AuditEvent.objects.filter(kind="occasion.written").count() == 0, "the line is its writer's"


def test_an_occasion_that_rests_is_not_offered_and_stays_where_it_was_chosen(
    world: SimpleNamespace, client_of: ClientOf, dirk: User, anna: User, engagement_in: Make
) -> None:
    with as_owner():
        old = Occasion.objects.create(code="old", name_de="Altes Vorhaben", name_en="Old project", position=9)
    running = engagement_in("active", occasion=old)
    client_of(dirk).post(reverse("engagements:occasion_rest", args=[old.pk]), {"rest": "1"})
    old.refresh_from_db()
    assert not old.is_active
    with as_owner():
        running.refresh_from_db()
    assert running.occasion == old
    with as_owner():
        Engagement.objects.filter(pk=running.pk).update(state="closed", closed_at=clock.now())
    draft = engagement_in("draft")
    assert "Altes Vorhaben" not in client_of(anna).get(reverse("engagements:why", args=[draft.pk])).content.decode()
    client_of(dirk).post(reverse("engagements:occasion_rest", args=[old.pk]), {"rest": "0"})
    old.refresh_from_db()
    assert old.is_active


def test_the_own_topic_never_rests(world: SimpleNamespace, client_of: ClientOf, dirk: User) -> None:
    own = Occasion.objects.get(code="own_topic")
    answer = client_of(dirk).post(reverse("engagements:occasion_rest", args=[own.pk]), {"rest": "1"}, follow=True)
    own.refresh_from_db()
    assert own.is_active
    assert "Das eigene Thema bleibt immer möglich." in answer.content.decode()


def test_two_tabs_of_an_occasion_end_with_both_versions_on_the_page(
    world: SimpleNamespace, client_of: ClientOf, dirk: User
) -> None:
    client, address = client_of(dirk), reverse("engagements:occasion", args=[world.occasion.pk])
    sent = {"version": world.occasion.version, "name_de": "Zuerst", "name_en": "First"}
    assert client.post(address, sent).status_code == 302
    answer = client.post(address, {**sent, "name_de": "Danach"})
    assert (answer.status_code, "Zuerst" in answer.content.decode(), "Danach" in answer.content.decode()) == (
        412,
        True,
        True,
    )
    again = client.post(
        address, {"version": answer.context["form"].data["version"], "name_de": "Danach", "name_en": "First"}
    )
    assert (again.status_code, Occasion.objects.get(pk=world.occasion.pk).name_de) == (302, "Danach")


def test_a_programme_is_made_once_and_copied_with_days_of_its_own(
    world: SimpleNamespace, client_of: ClientOf, dirk: User
) -> None:
    client, sent = client_of(dirk), values_of(world, starts_on="2027-01-01", ends_on="2027-06-30")
    for _click in range(2):
        assert client.post(reverse("engagements:programme_create"), sent).status_code == 302
    with as_owner():
        programme = Programme.objects.select_related("agency").get()
        first = programme.versions.get()
    assert (first.number, first.rhythm(), programme.agency) == (
        1,
        "etwa alle 3 Wochen, insgesamt etwa 6 Gespräche",
        world.south,
    )
    form = client.get(reverse("engagements:programme_copy", args=[programme.pk])).context["form"]
    assert [form[name].value() for name in ("name_de", "name_en", "weeks", "starts_on", "ends_on")] == [
        "Kopie von In Führung gehen", "Copy of Into leadership", 3, None, None,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("sent", "field", "words"),
    [
        ({"is_pilot": "on"}, "ends_on", "Ein Pilot braucht ein Ende."),
        ({"starts_on": "2027-02-01", "ends_on": "2027-01-01"}, "ends_on", "Das Ende liegt vor dem Anfang."),
        ({"name_en": ""}, "name_en", "Schreiben Sie etwas in beiden Sprachen."),
        ({"purpose_de": "Führen üben"}, "purpose_en", "Schreiben Sie etwas in beiden Sprachen."),
        ({"places": "0"}, "places", "Schreiben Sie eine ganze Zahl von 1 bis 999, oder lassen Sie das Feld frei."),
        ({"weeks": "oft"}, "weeks", "Schreiben Sie eine ganze Zahl von 1 bis 26, oder lassen Sie das Feld frei."),
        ({"starts_on": "bald"}, "starts_on", "Schreiben Sie das Datum zum Beispiel so: 31.12.2027."),
        ({"about_de": "x" * 401}, "about_de", "Das sind mehr als 400 Zeichen. Kürzen Sie bitte, Ihr Text ist noch da."),
        ({"agency": ""}, "agency", "Wählen Sie die Dienststelle aus."),
    ],
)
def test_what_is_wrong_stands_beside_the_field_and_nothing_typed_is_lost(
    sent: dict[str, Any], field: str, words: str, world: SimpleNamespace, client_of: ClientOf, dirk: User
) -> None:
    answer = client_of(dirk).post(reverse("engagements:programme_create"), values_of(world, **sent))
    form = answer.context["form"]
    assert (answer.status_code, form.errors[field], form["name_de"].value()) == (422, [words], "In Führung gehen")
    with as_owner():
        assert not Programme.objects.exists()


def versions_stored(programme: Programme) -> list[tuple[int, int | None]]:
    with as_owner():
        programme.refresh_from_db()
        return [(row.number, row.weeks) for row in programme.versions.all()]


def test_other_days_hold_at_once_other_suggestions_make_a_version(
    world: SimpleNamespace, client_of: ClientOf, dirk: User
) -> None:
    programme, client = programme_of(world, talks=6), client_of(dirk)
    address = reverse("engagements:programme", args=[programme.pk])
    form = client.get(address).context["form"]
    sent = {name: form[name].value() for name in form.fields if form[name].value() not in (None, False)}
    sent["occasion"], sent["agency"] = world.occasion.pk, world.south.pk
    client.post(address, {**sent, "places": 4})
    assert versions_stored(programme) == [(1, 3)]
    assert (programme.places, programme.version) == (4, 2)
    stale = client.post(address, {**sent, "weeks": 5})
    assert (stale.status_code, versions_stored(programme)) == (412, [(1, 3)])
    assert ("Plätze zugleich in jeder Region", "4") in [(str(label), text) for label, text in stale.context["stored"]]
    client.post(address, {**sent, "places": 4, "version": 2, "weeks": 5})
    assert versions_stored(programme) == [(2, 5), (1, 3)]
    client.post(address, {**sent, "places": 4, "version": 2, "weeks": 5})
    assert len(versions_stored(programme)) == 2, "a double click makes one version"


def test_a_version_never_changes_and_is_written_by_the_administration_alone(world: SimpleNamespace, anna: User) -> None:
    programme = programme_of(world)
    for user in (anna, world.dirk):
        with (
            rls.acting_as(user.pk),
            pytest.raises(ProgrammingError),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute("UPDATE engagements_programmeversion SET weeks = 1")
    with rls.acting_as(anna.pk):
        assert Programme.objects.filter(pk=programme.pk).update(places=1) == 0


def test_for_whom_and_when_a_programme_is_open(world: SimpleNamespace) -> None:
    today = date(2027, 3, 1)
    day = timedelta(days=1)
    everywhere = programme_of(world, name_de="Überall", agency=world.centre)
    south = programme_of(world, name_de="Süden")
    pilot = programme_of(world, name_de="Pilot", agency=world.augsburg, is_pilot=True, starts_on=today, ends_on=today)
    upper = programme_of(world, name_de="Oben", is_pilot=True, starts_on=today, ends_on=today)
    over = programme_of(world, name_de="Vorbei", ends_on=today - day)
    to_come = programme_of(world, name_de="Später", starts_on=today + day)

    def open_for(agency: Any, on: date = today) -> set[Programme]:
        with as_owner():
            return set(Programme.objects.open_for(agency, on))

    assert open_for(world.augsburg) == {everywhere, south, pilot}
    assert open_for(world.ulm) == {everywhere, south}, "a pilot reaches its own agency only"
    assert open_for(world.south) == {everywhere, south, upper}
    assert open_for(world.kiel) == {everywhere}
    assert open_for(world.augsburg, today + day) == {everywhere, south, to_come}
    assert open_for(world.augsburg, today - day) == {everywhere, south, over}
    with as_owner(), rls.acting_as(world.dirk.pk):
        agencies.merge(agency=world.augsburg, into=world.kiel, keep=[], free_days=False, by=world.dirk)
        world.kiel.refresh_from_db()
    assert open_for(world.kiel) == {everywhere, pilot}, "a pilot goes along into another agency"


def test_only_the_administration_comes_in(
    world: SimpleNamespace, client_of: ClientOf, anna: User, carla: User, mia: User
) -> None:
    assert [client_of(user).get(LIST).status_code for user in (anna, carla, mia)] == [403, 403, 403]


# ── learners ───────────────────────────────────────────────────────────────


def why_page(client: Client, draft: Engagement) -> Any:
    return client.get(reverse("engagements:why", args=[draft.pk]))


def answer_why(client: Client, draft: Engagement, **sent: Any) -> Any:
    return client.post(reverse("engagements:why", args=[draft.pk]), {"version": 1, "why_now": "", **sent})


def stored(engagement: Engagement) -> Engagement:
    with as_owner():
        return Engagement.objects.select_related("programme", "occasion").get(pk=engagement.pk)


def test_programmes_stand_beside_the_own_concern_and_only_where_one_is_open(
    world: SimpleNamespace, client_of: ClientOf, anna: User, engagement_in: Make
) -> None:
    draft, client = engagement_in("draft"), client_of(anna)
    assert "Gehört ein Programm dazu?" not in why_page(client, draft).content.decode()
    programme = programme_of(world, introduction_expected=True)
    programme_of(world, name_de="Nur im Norden", agency=world.north)
    page = why_page(client, draft).content.decode()
    assert [words in page for words in ("In Führung gehen", "Nur im Norden", "Ein Kennenlernen gehört dazu.")] == [
        True,
        False,
        True,
    ]
    assert "Wer das Programm verantwortet, erfährt nicht, dass Sie dabei sind." in page
    own = world.occasion
    assert answer_why(client, draft, occasion=own.pk, programme="").status_code == 302
    assert (stored(draft).programme, stored(draft).occasion) == (None, own)
    assert answer_why(client, draft, programme=programme.pk).status_code == 302
    assert (stored(draft).programme, stored(draft).occasion) == (programme, world.occasion), (
        "without an occasion, the programme's"
    )
    refused = answer_why(client, draft, occasion=own.pk, programme=ids.new_id())
    assert refused.context["form"].errors["programme"] == [
        "Dieses Programm nimmt gerade keine Anfragen an. Wählen Sie ein anderes oder keines."
    ]
    assert answer_why(client, draft, programme="").context["form"].errors["occasion"] == ["Wählen Sie den Anlass aus."]


def test_an_occasion_of_ones_own_is_kept_beside_the_programme(
    world: SimpleNamespace, client_of: ClientOf, anna: User, engagement_in: Make
) -> None:
    other = Occasion.objects.get(code="task_change")
    draft, programme = engagement_in("draft"), programme_of(world)
    answer_why(client_of(anna), draft, occasion=other.pk, programme=programme.pk)
    assert (stored(draft).programme, stored(draft).occasion) == (programme, other)


WISHES = {"wish": "no_matter", "format": "any", "spoken": "de", "search": "coordination", "consent": "on"}


def test_after_its_end_no_request_goes_out_and_what_runs_goes_on(
    world: SimpleNamespace, client_of: ClientOf, anna: User, ben: User, stranger: User, engagement_in: Make
) -> None:
    programme = programme_of(world, agency=world.centre)
    draft = engagement_in("draft", programme=programme, occasion=world.occasion)
    running = engagement_in("active", programme=programme, learner=stranger)
    with as_owner():
        Programme.objects.update(ends_on=clock.today() - timedelta(days=1))
    client = client_of(anna)
    sent = client.post(
        reverse("engagements:wishes", args=[draft.pk]), {**WISHES, "agency": world.south.pk}, follow=True
    )
    assert "„In Führung gehen“ nimmt gerade keine Anfragen an." in sent.content.decode()
    assert (stored(draft).state, sent.request["PATH_INFO"]) == ("draft", reverse("engagements:why", args=[draft.pk]))
    asked = client.post(reverse("engagements:choose", args=[draft.pk, ben.pk]), {"no_conflict": "on"}, follow=True)
    assert stored(draft).state == "draft" and "nimmt gerade keine Anfragen an" in asked.content.decode()
    other = client_of(stranger)
    assert other.get(reverse("engagements:agreement", args=[running.pk])).status_code == 200
    other.post(reverse("engagements:change_companion", args=[running.pk]))
    assert (stored(running).state, stored(running).programme) == ("requested", programme)
    answer_why(client, draft, occasion=world.occasion.pk)
    client.post(reverse("engagements:wishes", args=[draft.pk]), {**WISHES, "agency": world.south.pk})
    assert (stored(draft).state, stored(draft).programme) == ("requested", None), "the own concern needs no programme"


def test_a_no_after_the_introduction_leaves_no_trace_of_the_programme(
    world: SimpleNamespace, client_of: ClientOf, anna: User, carla: User, dirk: User, engagement_in: Make
) -> None:
    programme = programme_of(world, introduction_expected=True)
    met = engagement_in("introduction", programme=programme, occasion=world.occasion)
    client = client_of(anna)
    written = {"id": ids.new_id(), "version": 0, "purpose": "Ausprobieren", "programme_version": latest(programme).pk}
    client.post(reverse("engagements:agreement", args=[met.pk]), written)
    with as_owner():
        assert met.agreements.get().programme_version == latest(programme)
    page = client.get(reverse("engagements:withdraw", args=[met.pk])).content.decode()
    assert "Wer es verantwortet, erfährt nichts" in page
    client.post(reverse("engagements:withdraw", args=[met.pk]))
    with as_owner():
        assert not Engagement.objects.filter(programme=programme).exists()
        assert not met.agreements.exclude(programme_version=None).exists()
        assert not AuditEvent.objects.filter(kind__startswith="programme").exists()
    for user in (carla, dirk):
        assert met.pk.hex not in client_of(user).get(LIST).content.decode()


def latest(programme: Programme) -> ProgrammeVersion:
    with as_owner():
        return programme.versions.first()


# ── places ─────────────────────────────────────────────────────────────────


@pytest.fixture
def asking(world: SimpleNamespace, engagement_in: Make) -> Callable[..., list[Engagement]]:
    """Some requests of learners in an agency, of a programme or without one."""

    def make(number: int, programme: Programme | None = None, agency: Any = None) -> list[Engagement]:
        made = []
        for _one in range(number):
            with as_owner():
                learner = person(f"Fragt{ids.new_id().hex[-8:]}", agency or world.augsburg)
            made.append(engagement_in("requested", learner=learner, programme=programme, occasion=world.occasion))
        return made

    return make


def propose(client: Client, engagement: Engagement, companion: User) -> str:
    sent = {"companion": [companion.pk], "confirmed": "1"}
    return client.post(reverse("engagements:propose", args=[engagement.pk]), sent, follow=True).content.decode()


FULL = "Im Programm sind in dieser Region gerade alle Plätze vergeben."


def test_when_the_places_are_taken_a_programme_waits_and_self_chosen_requests_do_not(
    world: SimpleNamespace, client_of: ClientOf, carla: User, ben: User, asking: Callable[..., list[Engagement]]
) -> None:
    programme = programme_of(world, places=1, agency=world.centre)
    (first, second), (own,), client = asking(2, programme), asking(1), client_of(carla)
    assert "wartet auf einen Platz im Programm" not in client.get("/zuordnung/").content.decode()
    propose(client, first, ben)
    board = client.get("/zuordnung/").content.decode()
    assert board.count("wartet auf einen Platz im Programm") == 1
    page = client.get(reverse("engagements:assignment_request", args=[second.pk])).content.decode()
    assert "„In Führung gehen“ hat in dieser Region seinen einen Platz vergeben." in page
    assert "Ausgewählte vorschlagen" not in page
    assert FULL in propose(client, second, ben)
    propose(client, own, ben)
    assert [stored(one).state for one in (first, second, own)] == ["matching", "requested", "matching"]
    client.post(reverse("engagements:take_back", args=[first.pk]), {"companion": ben.pk})
    propose(client, second, ben)
    assert [stored(one).state for one in (first, second)] == ["requested", "matching"], (
        "a place taken back is free again"
    )


def test_each_region_has_places_of_its_own(
    world: SimpleNamespace, client_of: ClientOf, carla: User, ben: User, asking: Callable[..., list[Engagement]]
) -> None:
    programme = programme_of(world, places=1, agency=world.centre)
    (south,), (north,) = asking(1, programme), asking(1, programme, world.kiel)
    client = client_of(carla)  # the requests of both were sent to her
    propose(client, south, ben)
    propose(client, north, ben)
    assert [stored(one).state for one in (south, north)] == ["matching", "matching"]


def test_choosing_directly_meets_the_same_limit_and_goes_on_without_the_programme(
    world: SimpleNamespace, client_of: ClientOf, anna: User, ben: User, stranger: User, engagement_in: Make
) -> None:
    programme = programme_of(world, places=1, agency=world.centre)
    with as_owner():
        engagement_in("active", programme=programme, learner=person("Belegt", world.ulm))
    draft, client = engagement_in("draft", programme=programme, occasion=world.occasion), client_of(anna)
    assert "Gerade sind alle Plätze vergeben." in why_page(client, draft).content.decode()
    address = reverse("engagements:choose", args=[draft.pk, ben.pk])
    assert FULL in client.post(address, {"no_conflict": "on"}, follow=True).content.decode()
    assert stored(draft).state == "draft"
    answer_why(client, draft, occasion=world.occasion.pk, programme="")
    client.post(address, {"no_conflict": "on"})
    assert stored(draft).state == "offered"


def test_whoever_asks_the_database_learns_yes_or_no_and_never_how_many(world: SimpleNamespace, anna: User) -> None:
    with rls.acting_as(anna.pk):
        for question in ("SELECT * FROM programme_room()", "SELECT first_guide_of_programme(NULL, 'introduction', 1)"):
            with pytest.raises(ProgrammingError), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(question)


def test_a_programme_is_not_put_on_a_request_that_is_out(
    world: SimpleNamespace, anna: User, engagement_in: Make
) -> None:
    programme, request = programme_of(world), engagement_in("requested")
    with rls.acting_as(anna.pk), pytest.raises(IntegrityError), transaction.atomic():
        Engagement.objects.filter(pk=request.pk).update(programme=programme)


# ── what the two agree on ──────────────────────────────────────────────────


def agreement_page(client: Client, engagement: Engagement, query: str = "") -> Any:
    return client.get(reverse("engagements:agreement", args=[engagement.pk]) + query)


def test_a_programme_suggests_and_the_words_stay_the_pairs_own(
    world: SimpleNamespace, client_of: ClientOf, anna: User, engagement_in: Make
) -> None:
    programme = programme_of(world, purpose_de="Führen üben", purpose_en="Practise leading", talks=6)
    met, client = engagement_in("introduction", programme=programme), client_of(anna)
    form = agreement_page(client, met).context["form"]
    assert (form["purpose"].value(), form["rhythm"].value()) == ("", "")
    page = agreement_page(client, met, "?vorschlag")
    assert "„In Führung gehen“ schlägt vor" in page.content.decode()
    form = page.context["form"]
    assert (form["purpose"].value(), form["rhythm"].value()) == (
        "Führen üben",
        "etwa alle 3 Wochen, insgesamt etwa 6 Gespräche",
    )


def test_a_new_version_reaches_a_running_pair_only_where_both_agree(
    world: SimpleNamespace, client_of: ClientOf, anna: User, ben: User, engagement_in: Make
) -> None:
    programme = programme_of(world)
    running = engagement_in("active", programme=programme)
    with as_owner():
        running.agreements.update(programme_version=latest(programme))
    hers, his = client_of(anna), client_of(ben)
    assert "gibt es Fassung" not in agreement_page(hers, running).content.decode()
    newer = version_of(world, programme, 2, weeks=4)
    for client in (hers, his):
        assert "Für „In Führung gehen“ gibt es Fassung 2" in agreement_page(client, running).content.decode()
    assert held(running) == 1, "nothing happens by itself"
    sent = {"id": ids.new_id(), "version": 1, "programme_version": newer.pk}
    address = reverse("engagements:agreement_take_over", args=[running.pk])
    for _click in range(2):
        assert hers.post(address, sent).status_code == 302
    with as_owner(), rls.acting_as(anna.pk):
        versions = list(running.agreements.select_related("engagement"))
        purposes = {row.purpose for row in versions}
    assert [(row.version, row.is_accepted(), row.programme_version_id == newer.pk) for row in versions] == [
        (2, False, True), (1, True, False),
    ]  # fmt: skip
    assert (held(running), purposes) == (1, {"Rückmeldungen üben"}), "not before the other one accepts it"
    his.post(reverse("engagements:agreement_accept", args=[running.pk]), {"version": 2})
    assert held(running) == 2
    assert "gibt es Fassung" not in agreement_page(his, running).content.decode()


def held(engagement: Engagement) -> int | None:
    """The version that both have accepted."""
    with as_owner(), rls.acting_as(engagement.learner_id):
        found = agreed_version(stored(engagement))
    return found.number if found else None


def test_a_stale_page_takes_nothing_over(
    world: SimpleNamespace, client_of: ClientOf, anna: User, engagement_in: Make
) -> None:
    programme = programme_of(world)
    running = engagement_in("active", programme=programme)
    with as_owner():
        running.agreements.update(programme_version=latest(programme))
    second, third = version_of(world, programme, 2), version_of(world, programme, 3)
    client, address = client_of(anna), reverse("engagements:agreement_take_over", args=[running.pk])
    client.post(address, {"id": ids.new_id(), "version": 1, "programme_version": second.pk})
    client.post(address, {"id": ids.new_id(), "version": 0, "programme_version": third.pk})
    client.post(address, {"id": "x", "version": 1, "programme_version": third.pk})
    with as_owner():
        assert running.agreements.count() == 1


def test_the_first_talk_opens_with_the_guide_the_programme_names(world: SimpleNamespace, engagement_in: Make) -> None:
    programme = programme_of(world, first_guide="conversation")
    met, other = engagement_in("introduction", programme=programme), None
    with as_owner():
        other = engagement_in("introduction", learner=person("Ohne", world.ulm))
    first = talk_of(met, hours=24)
    assert (first.appointment.kind, first.guide_kind()) == ("introduction", "conversation")
    assert talk_of(met, hours=48).guide_kind() == "introduction", "only the first one"
    assert talk_of(other, hours=72).guide_kind() == "introduction"


def talk_of(engagement: Engagement, *, hours: int) -> Conversation:
    starts = clock.now() + timedelta(hours=hours)
    with as_owner():
        appointment = Appointment.objects.create(
            engagement=engagement, learner=engagement.learner, companion=engagement.companion, kind="introduction",
            starts_at=starts, ends_at=starts + timedelta(hours=1), format="video",
        )  # fmt: skip
        talk = Conversation.objects.create(engagement=engagement, appointment=appointment)
        return Conversation.objects.select_related("guide", "appointment").get(pk=talk.pk)


def test_kinds_of_talk_named_by_a_programme_exist() -> None:
    assert set(ProgrammeVersion.FirstGuide.values) <= set(Kind.values)
