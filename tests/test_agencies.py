"""Agencies that change: the tree, moving a branch, letting one go up into another, and who sees whom afterwards."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from accounts.actions import agencies as actions
from accounts.actions import invitations
from accounts.models import Agency, FreeDay, Invitation, RoleGrant, SignIn, User, VideoService
from accounts.roles import Role
from engagements.models import Engagement
from engagements.states import State
from lernbegleitung import clock, rls

from .conftest import as_owner
from .people import agency_of, make_companion, make_role, person

pytestmark = pytest.mark.django_db
Browser = Callable[[User], Client]
Make = Callable[..., Engagement]


def seen_by(user: User) -> tuple[set[str], set[Any]]:
    """The names of the accounts and the engagements that the database shows this person."""
    with rls.acting_as(user.pk):
        return set(User.objects.values_list("email", flat=True)), set(Engagement.objects.values_list("pk", flat=True))


def page(response: Any) -> str:
    return re.sub(r"\s+", " ", response.content.decode())


def post(client: Client, name: str, agency: Agency, other: Agency, **also: Any) -> Any:
    """The look first, then the yes with what the look has shown."""
    url = reverse(f"accounts:{name}", args=[agency.pk])
    looked = client.post(url, {"other": other.pk})
    stamp = re.search(r'name="stamp" value="(\w+)"', looked.content.decode())
    assert looked.status_code == 200 and stamp, looked.content.decode()
    return client.post(url, {"other": other.pk, "confirmed": "1", "stamp": stamp[1], **also})


def fresh(agency: Agency) -> Agency:
    return Agency.objects.get(pk=agency.pk)


@pytest.fixture
def office(world: SimpleNamespace) -> Agency:
    """A small agency below Ulm, so that branches have depth."""
    with as_owner():
        return agency_of("ehingen", "agency", world.ulm, "BW")


# ── the tree ───────────────────────────────────────────────────────────────


def test_the_page_says_who_coordinates_and_counts_no_people(world: SimpleNamespace, client_of: Browser) -> None:
    with as_owner():
        make_role(world.anna, Role.COORDINATOR, world.augsburg)
    text = page(client_of(world.dirk).get(reverse("accounts:agencies")))
    assert "Koordination: Anna Beispiel" in text
    assert "Koordination von: Bayern" in text, "Ulm is coordinated from above"
    assert text.count("ohne Koordination") == 1, "only the centre has nobody, not even above"
    assert "Ben Beispiel" not in text


def test_four_hundred_and_fifty_agencies_are_folded_and_found(world: SimpleNamespace, client_of: Browser) -> None:
    with as_owner():
        for number in range(444):
            agency_of(f"amt{number}", "agency", world.south if number % 2 else world.north, "BY")
    dirk = client_of(world.dirk)
    whole = dirk.get(reverse("accounts:agencies"))
    assert (
        '<details class="fold">' in whole.content.decode()
        and '<details class="fold" open>' not in whole.content.decode()
    )
    assert len(whole.content) < 400_000
    found = page(dirk.get(reverse("accounts:agencies"), {"q": "AMT44"}))
    assert "5 Dienststellen gefunden" in found and "Nürnberg › Nord" in found
    assert "Dazu gibt es keine Dienststelle" in page(dirk.get(reverse("accounts:agencies"), {"q": "\x00%nichts"}))


# ── moving ─────────────────────────────────────────────────────────────────


def test_before_a_move_the_page_says_who_gains_and_who_loses_coordination(
    world: SimpleNamespace, client_of: Browser
) -> None:
    text = page(
        client_of(world.dirk).post(reverse("accounts:agency_move", args=[world.ulm.pk]), {"other": world.north.pk})
    )
    assert "Koordination kommt dazu</dt><dd>Eva Beispiel" in text
    assert "Koordination endet</dt><dd>Carla Beispiel" in text
    assert fresh(world.ulm).parent_id == world.south.pk, "a look changes nothing"


def test_a_moved_branch_is_seen_by_whom_the_new_tree_says_and_by_nobody_else(
    world: SimpleNamespace, client_of: Browser, office: Agency, engagement_in: Make
) -> None:
    with as_owner():
        nora, anton = person("Nora", office), person("Anton", world.ulm)
        make_role(world.stranger, Role.COORDINATOR, world.ulm)
    asked_south = engagement_in("requested", learner=nora, coordinating_agency=world.south)
    asked_here = engagement_in("requested", learner=anton, coordinating_agency=world.ulm)
    before = {user.name: seen_by(user) for user in (world.carla, world.eva, world.stranger, world.anna, world.dirk)}
    assert {nora.email, anton.email} <= before[world.carla.name][0]
    assert post(client_of(world.dirk), "agency_move", world.ulm, world.north).status_code == 302
    assert (
        fresh(office).path == f"{fresh(world.ulm).path}{office.pk}/" == f"{world.north.path}{world.ulm.pk}/{office.pk}/"
    )
    after = {user.name: seen_by(user) for user in (world.carla, world.eva, world.stranger, world.anna, world.dirk)}
    carla, eva = after[world.carla.name], after[world.eva.name]
    # Nora's own request went to the south and stays there: its coordination still sees her, and Anton no more.
    assert nora.email in carla[0] and anton.email not in carla[0] and carla[1] == {asked_south.pk}
    assert {nora.email, anton.email} <= eva[0] and eva[1] == {asked_here.pk}
    for unchanged in (world.stranger, world.anna, world.dirk):
        assert after[unchanged.name] == before[unchanged.name]


def test_no_ring_comes_of_a_move(world: SimpleNamespace, client_of: Browser, office: Agency) -> None:
    dirk = client_of(world.dirk)
    for below in (world.ulm, office):
        response = dirk.post(reverse("accounts:agency_move", args=[world.ulm.pk]), {"other": below.pk})
        assert response.status_code == 422 and 'id="id_other_error"' in page(response)
    with rls.acting_as(world.dirk.pk), pytest.raises(actions.NotInTheTree):
        actions.move(agency=world.south, parent=office, by=world.dirk)
    for other in ("", "x", "99999999999999999999", world.anna.pk + 10**6):
        assert dirk.post(reverse("accounts:agency_move", args=[world.ulm.pk]), {"other": other}).status_code == 422


def test_whoever_gains_or_loses_coordination_is_signed_out_and_others_are_not(
    world: SimpleNamespace, client_of: Browser
) -> None:
    carla, eva, anna = client_of(world.carla), client_of(world.eva), client_of(world.anna)
    post(client_of(world.dirk), "agency_move", world.ulm, world.north)
    assert [client.get("/heute/").status_code for client in (carla, eva, anna)] == [302, 302, 200]
    with as_owner():
        assert set(SignIn.objects.values_list("user", flat=True)) <= {world.dirk.pk, world.anna.pk}


def test_what_has_changed_since_the_look_is_shown_again(world: SimpleNamespace, client_of: Browser) -> None:
    dirk, url = client_of(world.dirk), reverse("accounts:agency_move", args=[world.ulm.pk])
    stamp = re.search(r'name="stamp" value="(\w+)"', dirk.post(url, {"other": world.north.pk}).content.decode())
    assert stamp
    with as_owner():
        make_role(world.stranger, Role.COORDINATOR, world.north)
    again = dirk.post(url, {"other": world.north.pk, "confirmed": "1", "stamp": stamp[1]})
    assert again.status_code == 200 and "Bitte sehen Sie noch einmal hin" in page(again)
    assert fresh(world.ulm).parent_id == world.south.pk


def test_a_second_click_and_the_way_back_are_harmless(world: SimpleNamespace, office: Agency) -> None:
    with rls.acting_as(world.dirk.pk):
        for there in (world.north, world.north, world.south):
            actions.move(agency=world.ulm, parent=there, by=world.dirk)
    assert (fresh(world.ulm).path, fresh(office).path) == (world.ulm.path, office.path)


def test_video_service_and_free_days_from_above_are_said_beforehand(world: SimpleNamespace, client_of: Browser) -> None:
    with as_owner():
        VideoService.objects.create(agency=world.south, base="https://sued.example.org")
        VideoService.objects.create(agency=world.north, base="https://nord.example.org")
        FreeDay.objects.create(day=clock.today() + timedelta(days=9), agency=world.south, name_de="Südtag")
        FreeDay.objects.create(day=clock.today() + timedelta(days=9), agency=world.north, name_de="Nordtag")
        FreeDay.objects.create(
            day=clock.today() + timedelta(days=9), agency=world.north, state="SH", name_de="Nur im Norden"
        )
    text = page(
        client_of(world.dirk).post(reverse("accounts:agency_move", args=[world.ulm.pk]), {"other": world.north.pk})
    )
    assert "nord.example.org" in text and "bisher sued.example.org" in text
    assert "Freie Tage kommen dazu</dt><dd>Nordtag</dd>" in text
    assert "Freie Tage entfallen</dt><dd>Südtag</dd>" in text


# ── going up into another one ──────────────────────────────────────────────


def test_before_a_merger_the_page_says_what_goes_over_and_never_how_many_requests(
    world: SimpleNamespace, client_of: Browser, office: Agency, engagement_in: Make
) -> None:
    with as_owner():
        make_role(world.stranger, Role.COORDINATOR, world.ulm)
        FreeDay.objects.create(day=clock.today(), agency=world.ulm, name_de="Schwörmontag")
    engagement_in("requested", learner=world.ben, coordinating_agency=world.ulm)
    text = page(
        client_of(world.dirk).post(reverse("accounts:agency_merge", args=[world.ulm.pk]), {"other": world.kiel.pk})
    )
    assert "Das lässt sich nicht rückgängig machen" in text
    assert "Fritz Beispiel: Koordination" in text and "Ehingen" in text and "Schwörmontag" in text
    assert (
        "Koordination kommt dazu</dt><dd>Eva Beispiel" in text and "Koordination endet</dt><dd>Carla Beispiel" in text
    )
    assert "künftig nach dem Bundesland Schleswig-Holstein" in text
    assert re.search(r"<dt>Konten</dt><dd>1 ", text) and "davon begleitet 1 Person" in text
    assert "Anfrage" not in text.replace("Offene Anfragen, die hier zu Hause sind", "") or "1 Anfrage" not in text
    assert fresh(world.ulm).merged_on is None


def test_a_merger_takes_everybody_along_and_leaves_the_history_readable(
    world: SimpleNamespace, client_of: Browser, office: Agency, engagement_in: Make
) -> None:
    with as_owner():
        past = RoleGrant.objects.create(
            user=world.anna, role="coordinator", agency=world.ulm,
            starts_on=clock.today() - timedelta(days=90), ends_on=clock.today() - timedelta(days=9),
        )  # fmt: skip
        kept = make_role(world.stranger, Role.COORDINATOR, world.ulm, ends_on=clock.today() + timedelta(days=50))
        ended = make_role(world.mia, Role.METHOD_OWNER, world.ulm)
    closed = engagement_in("closed", coordinating_agency=world.ulm)
    asked = engagement_in("requested", learner=world.mia, coordinating_agency=world.ulm)
    dirk = client_of(world.dirk)
    assert post(dirk, "agency_merge", world.ulm, world.kiel, keep=[kept.pk]).status_code == 302
    ulm, kiel = fresh(world.ulm), fresh(world.kiel)
    assert (ulm.merged_on, ulm.parent_id, ulm.standing()) == (clock.today(), kiel.pk, kiel)
    assert fresh(office).parent_id == kiel.pk and fresh(office).path == f"{kiel.path}{office.pk}/"
    with as_owner():
        ben = User.objects.get(pk=world.ben.pk)
        assert (ben.agency_id, ben.agency_since is None) == (kiel.pk, False)
        now = RoleGrant.objects.in_force(clock.today())
        assert set(now.filter(agency=kiel).values_list("user", "role", "ends_on")) == {
            (world.ben.pk, "companion", None), (world.stranger.pk, "coordinator", clock.today() + timedelta(days=50)),
        }  # fmt: skip
        assert not now.filter(agency=ulm).exists() and not now.filter(pk=ended.pk).exists()
        assert RoleGrant.objects.filter(pk__in=[past.pk, kept.pk, ended.pk], agency=ulm).count() == 3, (
            "what was, stands"
        )
    assert asked.pk in seen_by(world.stranger)[1], "whose coordination goes on, sees the request as before"
    assert asked.pk in seen_by(world.eva)[1] and asked.pk not in seen_by(world.carla)[1]
    with rls.acting_as(world.anna.pk):
        assert Engagement.objects.get(pk=closed.pk).coordinating_agency_id == ulm.pk
    for name in ("agencies", "people"):
        assert dirk.get(reverse(f"accounts:{name}")).status_code == 200
    assert "aufgegangen in: Kiel" in page(dirk.get(reverse("accounts:agency_edit", args=[ulm.pk])))
    assert "Ulm" in page(dirk.get(reverse("accounts:person", args=[world.anna.pk]))), "a former role names it"


def test_an_agency_that_has_gone_up_stands_in_no_choice_and_its_code_leads_on(
    world: SimpleNamespace, client_of: Browser
) -> None:
    with rls.acting_as(world.dirk.pk):
        actions.merge(agency=world.ulm, into=world.augsburg, keep=[], free_days=False, by=world.dirk)
    dirk = client_of(world.dirk)
    pages = ["agency_create", "free_days", "video_services", "invite", "people"]
    for url in [*(reverse(f"accounts:{name}") for name in pages), reverse("accounts:person", args=[world.anna.pk]),
                reverse("accounts:agency_move", args=[world.kiel.pk])]:  # fmt: skip
        text = page(dirk.get(url))
        assert "Ulm" not in text and "Augsburg" in text, url
    people = page(dirk.get(reverse("accounts:people"), {"dienststelle": "ulm"}))
    assert "Anna Beispiel" in people and "Ben Beispiel" in people and "Fritz" not in people
    assert dirk.get(reverse("accounts:video_service", args=[world.ulm.pk])).status_code == 404
    assert dirk.get(reverse("accounts:agency_merge", args=[world.ulm.pk])).status_code == 302
    assert Agency.objects.by_code("ulm") == world.augsburg


def test_whoever_comes_late_comes_to_the_agency_that_stands(world: SimpleNamespace) -> None:
    """An invitation sent before; an import, or a page, that still knows the old agency; and a second merger after the first."""
    with rls.acting_as(world.carla.pk):
        invitation = invitations.invite(
            email="neu@example.org", name="Neu", agency=world.ulm, role="companion", language="de", by=world.carla
        )
    with rls.acting_as(world.dirk.pk):
        actions.merge(agency=world.ulm, into=world.augsburg, keep=[], free_days=False, by=world.dirk)
        actions.merge(agency=world.augsburg, into=world.kiel, keep=[], free_days=False, by=world.dirk)
    with as_owner():
        Invitation.objects.filter(pk=invitation.pk).update(token_hash=invitations.hash_of("x"))
    with rls.acting_as(None, at_the_door=True):
        new = invitations.accept(token="x", name="Neu", password="ein langer Satz", language="de")
    with as_owner():
        assert User.objects.get(pk=new.pk).agency_id == world.kiel.pk
        assert RoleGrant.objects.get(user=new).agency_id == world.kiel.pk
        assert person("Nachzügler", fresh(world.ulm)).agency_id
        assert User.objects.get(email="nachzügler@example.org").agency_id == world.kiel.pk


def test_h3_and_h9_follow_the_new_agency(world: SimpleNamespace, engagement_in: Make) -> None:
    with as_owner():
        User.objects.filter(pk__in=[world.anna.pk, world.ben.pk]).update(team="A")
    engagement = engagement_in("requested", wish="elsewhere")

    def rules() -> list[str]:
        from engagements.candidates import rules_by_companion

        with rls.acting_as(world.anna.pk):
            return list(rules_by_companion(engagement.pk, [world.ben.pk])[world.ben.pk][0])

    assert rules() == []
    with rls.acting_as(world.dirk.pk):
        actions.merge(agency=world.ulm, into=world.augsburg, keep=[], free_days=False, by=world.dirk)
    assert rules() == ["H3", "H9"]


def test_a_running_companionship_goes_on_as_if_nothing_had_happened(
    world: SimpleNamespace, engagement_in: Make
) -> None:
    engagement = engagement_in(State.ACTIVE, wish="elsewhere", coordinating_agency=world.ulm)
    with as_owner():
        before = Engagement.objects.filter(pk=engagement.pk).values().get()
    with rls.acting_as(world.dirk.pk):
        actions.merge(agency=world.ulm, into=world.augsburg, keep=[], free_days=False, by=world.dirk)
        assert not Engagement.objects.exists(), "the administration sees none, before and after"
    with as_owner():
        assert Engagement.objects.filter(pk=engagement.pk).values().get() == before
    for user in (world.anna, world.ben):
        assert seen_by(user)[1] == {engagement.pk}
    assert seen_by(world.carla)[1] == set()


def test_the_other_agencys_video_service_wins_and_free_days_go_over_if_wished(world: SimpleNamespace) -> None:
    day = clock.today() + timedelta(days=9)
    with as_owner():
        VideoService.objects.create(agency=world.ulm, base="https://ulm.example.org")
        FreeDay.objects.create(day=day, agency=world.ulm, name_de="Hier")
        FreeDay.objects.create(day=day, agency=world.augsburg, name_de="Dort")
        FreeDay.objects.create(day=day + timedelta(days=1), agency=world.ulm, name_de="Auch hier")
    with rls.acting_as(world.dirk.pk):
        actions.merge(agency=world.ulm, into=world.augsburg, keep=[], free_days=True, by=world.dirk)
    assert set(FreeDay.objects.values_list("name_de", "agency")) == {
        ("Hier", world.ulm.pk), ("Dort", world.augsburg.pk), ("Auch hier", world.augsburg.pk),
    }  # fmt: skip
    with as_owner():
        assert list(VideoService.objects.values_list("agency", "base")) == [
            (world.augsburg.pk, "https://ulm.example.org")
        ]
        VideoService.objects.create(agency=world.north, base="https://nord.example.org")
    with rls.acting_as(world.dirk.pk):
        actions.merge(agency=world.augsburg, into=world.kiel, keep=[], free_days=False, by=world.dirk)
    with as_owner():
        assert list(VideoService.objects.values_list("agency", "base")) == [
            (world.north.pk, "https://nord.example.org")
        ]


def test_a_role_that_somebody_has_at_both_is_one_that_holds_longer(world: SimpleNamespace) -> None:
    soon, later = clock.today() + timedelta(days=5), clock.today() + timedelta(days=50)
    with as_owner():
        here = make_role(world.stranger, Role.COORDINATOR, world.ulm, ends_on=later)
        RoleGrant.objects.create(user=world.stranger, role="coordinator", agency=world.augsburg, ends_on=soon)
        fresh_one = RoleGrant.objects.create(user=world.mia, role="coordinator", agency=world.ulm)
        coming = RoleGrant.objects.create(user=world.anna, role="coordinator", agency=world.ulm, starts_on=soon)
    with rls.acting_as(world.dirk.pk):
        keep = [here.pk, fresh_one.pk, coming.pk]
        actions.merge(agency=world.ulm, into=world.augsburg, keep=keep, free_days=False, by=world.dirk)
    with as_owner():
        rows = RoleGrant.objects.filter(agency=world.augsburg, role="coordinator")
        assert set(rows.values_list("user", "starts_on", "ends_on")) == {
            (world.stranger.pk, clock.today(), later), (world.mia.pk, clock.today(), None), (world.anna.pk, soon, None),
        }  # fmt: skip


def test_merging_twice_or_into_what_is_below_or_gone_is_refused_or_harmless(
    world: SimpleNamespace, office: Agency, client_of: Browser
) -> None:
    dirk = client_of(world.dirk)
    assert dirk.post(reverse("accounts:agency_merge", args=[world.ulm.pk]), {"other": office.pk}).status_code == 422
    with rls.acting_as(world.dirk.pk):
        for _time in range(2):
            actions.merge(agency=world.ulm, into=world.augsburg, keep=[], free_days=False, by=world.dirk)
        with pytest.raises(actions.NotInTheTree):
            actions.merge(agency=world.ulm, into=world.kiel, keep=[], free_days=False, by=world.dirk)
        with pytest.raises(actions.NotInTheTree):
            actions.move(agency=world.kiel, parent=world.ulm, by=world.dirk)
    assert dirk.post(reverse("accounts:agency_move", args=[world.kiel.pk]), {"other": world.ulm.pk}).status_code == 422


def test_only_the_administration_changes_the_tree(world: SimpleNamespace, client_of: Browser) -> None:
    for user in (world.carla, world.anna, world.ben, world.mia):
        for name in ("agency_move", "agency_merge"):
            url = reverse(f"accounts:{name}", args=[world.ulm.pk])
            values = {"other": world.kiel.pk, "confirmed": "1"}
            assert client_of(user).post(url, values).status_code == 403
        with rls.acting_as(user.pk):
            assert Agency.objects.filter(pk=world.ulm.pk).update(parent=world.north) == 0


def test_a_companion_of_a_merged_agency_is_found_in_the_region_it_belongs_to_now(
    world: SimpleNamespace, client_of: Browser
) -> None:
    with as_owner():
        make_companion(person("Olga", world.kiel))
    with rls.acting_as(world.dirk.pk):
        actions.merge(agency=world.south, into=world.north, keep=[], free_days=False, by=world.dirk)
    text = page(client_of(world.anna).get(reverse("engagements:directory"), {"region": "bayern"}))
    assert "Ben Beispiel" in text and "Olga Beispiel" in text, "the old region's code leads to the new one"


def at_once(*jobs: Callable[[], Any]) -> list[Any]:
    """Each job in a thread and a connection of its own, as the web's role; what each answered, or its error."""
    gate, answers = threading.Barrier(len(jobs)), [None] * len(jobs)

    def run(number: int, job: Callable[[], Any]) -> None:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SET ROLE lern_app")
            gate.wait(10)
            answers[number] = job()
        except Exception as error:
            answers[number] = error  # type: ignore[call-overload]
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return answers


@pytest.mark.django_db(transaction=True)
def test_two_moves_at_once_tie_no_ring(transactional_db: None, world: SimpleNamespace) -> None:
    def move(agency: Agency, parent: Agency) -> Callable[[], None]:
        def job() -> None:
            with rls.acting_as(world.dirk.pk):
                actions.move(agency=agency, parent=parent, by=world.dirk)

        return job

    answers = at_once(move(world.ulm, world.kiel), move(world.kiel, world.ulm))
    assert sorted(type(answer).__name__ for answer in answers) == ["NoneType", "NotInTheTree"]
    for agency in Agency.objects.all():
        above = fresh(agency.parent).path if agency.parent else "/"
        assert agency.path == f"{above}{agency.pk}/"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("late", [0.0, 0.3])
def test_whoever_comes_in_while_a_merger_is_under_way_comes_to_the_agency_that_stands(
    late: float, transactional_db: None, world: SimpleNamespace
) -> None:
    with rls.acting_as(world.carla.pk):
        invitations.invite(
            email="neu@example.org", name="Neu", agency=world.ulm, role="companion", language="de", by=world.carla
        )
    with as_owner():
        Invitation.objects.update(token_hash=invitations.hash_of("x"))

    def merge() -> None:
        with rls.acting_as(world.dirk.pk):
            actions.merge(agency=world.ulm, into=world.augsburg, keep=[], free_days=False, by=world.dirk)
            connection.cursor().execute("SELECT pg_sleep(0.6)")

    def come() -> None:
        time.sleep(late)
        with rls.acting_as(None, at_the_door=True):
            invitations.accept(token="x", name="Neu", password="ein langer Satz", language="de")

    assert at_once(merge, come) == [None, None]
    with as_owner():
        new = User.objects.get(email="neu@example.org")
        assert new.agency_id == world.augsburg.pk
        in_force = RoleGrant.objects.filter(user=new).in_force(clock.today())
        assert [grant.agency_id for grant in in_force] == [world.augsburg.pk]
        assert not User.objects.filter(agency=world.ulm).exists()
