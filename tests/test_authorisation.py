"""Every address × every kind of person × GET, POST and htmx: the answers stand in authorisation.txt, line by line.

An address that is not in the table fails; so does one that answers anybody differently. The second half takes away
the views' own filters, one by one, and looks whether a foreign word appears.

The table is written anew with WRITE_MATRIX=1 (with WRITE_MATRIX=new only the lines of addresses that have none yet) and
then read by a person, line by line, before it is committed.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.db import connection, transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from pypdf import PdfReader

from accounts.models import Draft, ImportFile, ImportLine, Invitation, PushDevice, RoleGrant, User
from accounts.push_crypto import new_key
from conversations.appointments import AppointmentQuerySet
from conversations.conversation import ConversationQuerySet
from conversations.models import (
    Addition,
    ChangeIdea,
    Conversation,
    Feedback,
    GuidingQuestion,
    Observation,
    OfferedTime,
    OwnQuestion,
    QuestionProposal,
    RecordVersion,
)
from engagements.engagement import EngagementQuerySet
from engagements.models import (
    AssignmentDraft,
    CompanionProposal,
    DirectLine,
    DraftLine,
    Engagement,
    Goal,
    Insight,
    JournalEntry,
    LearningStep,
    Programme,
    ProgrammeVersion,
    RuleOfThumb,
    TransferCheck,
)
from engagements.states import State
from lernbegleitung import clock, kept, rls

from .conftest import as_owner, confirm
from .people import make_companion, person
from .test_audiences import fill

pytestmark = pytest.mark.django_db
TABLE = Path(__file__).with_name("authorisation.txt")
PEOPLE = [
    "anonymous", "learner", "companion", "former_companion", "other_learner", "other_companion", "coordinator",
    "coordinator_elsewhere", "administrator", "method_owner", "staff_council", "superuser", "deactivated",
]  # fmt: skip
WORLDS = {
    "active": "an active engagement of learner and companion, after a change of companion",
    "request": "an open request with a proposal, sent to the coordinator's region",
    "long closed": "closed for 31 days: the companion no longer reads along",
}
WORDS = ("GEHEIM", "NUR-BENS", "NUR-FUER-MICH", "Rückmeldungen ruhig ansprechen")


def patterns(resolver: URLResolver | None = None, space: str = "", prefix: str = "") -> Iterator[tuple[str, str]]:
    """(name with its namespace, address with its parameters) of every route."""
    for pattern in (resolver or get_resolver()).url_patterns:
        address = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from patterns(pattern, f"{pattern.namespace}:" if pattern.namespace else space, address)
        elif isinstance(pattern, URLPattern):
            yield f"{space}{pattern.name}", "/" + re.sub(r"^\^|\$$|\\Z", "", address).replace("^", "")


ROUTES = dict(patterns())


class Place:
    """A world with everybody in it, and the addresses of its things."""

    def __init__(self, name: str, world: SimpleNamespace, make: Callable[..., Engagement]) -> None:
        self.name = name
        with as_owner():
            former = make_companion(person("Otto", world.kiel))
            other = make_companion(person("Olga", world.kiel))
            council = person("Petra", world.augsburg)
            RoleGrant.objects.create(user=council, role="staff_council", agency=world.centre)
            superuser = person("Sonja", world.centre)
        self.people: dict[str, User | None] = {
            "anonymous": None, "learner": world.anna, "companion": world.ben, "former_companion": former,
            "other_learner": world.stranger, "other_companion": other, "coordinator": world.carla,
            "coordinator_elsewhere": world.eva, "administrator": world.dirk, "method_owner": world.mia, "staff_council": council,
            "superuser": superuser, "deactivated": world.anna,
        }  # fmt: skip
        engagement = make({"request": State.MATCHING, "long closed": State.CLOSED}.get(name, State.ACTIVE))
        if name == "request":
            fill(engagement, shared=False)
            with as_owner():
                CompanionProposal.objects.bulk_create(
                    [CompanionProposal(engagement=engagement, companion=world.ben, proposed_by=world.carla)]
                )
        else:
            with as_owner():
                Engagement.objects.filter(pk=engagement.pk).update(companion=former)
            fill(self.fresh(engagement), shared=True)
            with as_owner():
                Engagement.objects.filter(pk=engagement.pk).update(companion=world.ben)
            fill(self.fresh(engagement), shared=True, hour=12)
            if name == "long closed":
                with as_owner():
                    Engagement.objects.filter(pk=engagement.pk).update(closed_at=clock.now() - timedelta(days=31))
        with as_owner(), rls.acting_as(world.anna.pk):
            private = JournalEntry(engagement_id=engagement.pk)
            private.text = "NUR-FUER-MICH"
            private.save()
            talk = Conversation.objects.filter(engagement=engagement, appointment__companion=world.ben).first()
            self.samples = {
                "engagement": engagement.pk,
                "step": LearningStep.objects.filter(engagement=engagement).order_by("-created_at")[0].pk,
                "entry": private.pk,
                "insight": Insight.objects.filter(engagement=engagement).order_by("-created_at")[0].pk,
                "goal": Goal.objects.filter(engagement=engagement).order_by("-created_at")[0].pk,
                "draft": Draft.objects.filter(owner=world.anna)[0].pk,
                "device": PushDevice.objects.filter(owner=world.anna)[0].pk,
                "line_of_messages": DirectLine.objects.filter(writer=world.anna)[0].pk,
                "check": TransferCheck.objects.filter(owner=world.anna)[0].pk,
                "rule": RuleOfThumb.objects.filter(owner=world.anna)[0].pk,
                "talk": talk.pk if talk else engagement.pk,
                "appointment": talk.appointment_id if talk else engagement.pk,
                "observation": Observation.objects.get(conversation=talk).pk if talk else engagement.pk,
                "idea": self.of_talk(ChangeIdea, talk, engagement),
                "addition": self.of_talk(Addition, talk, engagement),
                "version": self.of_talk(RecordVersion, talk, engagement),
                "feedback": self.of_talk(Feedback, talk, engagement),
                "question": GuidingQuestion.objects.get(code="c01").pk,
                "offered_time": OfferedTime.objects.create(companion=world.ben, kind="off", day=clock.today()).pk,
                "own_question": self.own_question(world.ben),
                "proposal": QuestionProposal.objects.create(owner=world.ben, part="1", text_de="NOCH-OFFEN").pk,
                "person": world.anna.pk,
                "companion": world.ben.pk,
                "agency": world.augsburg.pk,
                "programme": self.programme(world),
                "occasion": world.occasion.pk,
                "passkey": Authenticator.objects.create(
                    user=person("Quirin", world.ulm), type="webauthn", data={"name": "Fremd", "credential": {}}
                ).pk,
                "invitation": Invitation.objects.create(
                    email="neu@example.org", name="Neu", agency=world.augsburg, token_hash="x" * 64,
                    invited_by=world.carla, expires_at=clock.now() + timedelta(days=3),
                ).pk,
            }  # fmt: skip
            self.samples |= self.assignment(world, engagement) | self.brought_in(world)
        self.clients = {who: self.client(who) for who in PEOPLE}

    @staticmethod
    def assignment(world: SimpleNamespace, engagement: Engagement) -> dict[str, Any]:
        """A draft of the coordinator's with the engagement in it."""
        draft = AssignmentDraft.objects.create(made_by=world.carla, seed=1, state="ready")
        line = DraftLine.objects.create(draft=draft, position=0, engagement=engagement, companion=world.ben)
        return {"assignment": draft.pk, "line": line.pk}

    @staticmethod
    def brought_in(world: SimpleNamespace) -> dict[str, Any]:
        """A file of the administrator's with a line in it."""
        file = ImportFile.objects.create(made_by=world.dirk, kind="people")
        ImportLine.objects.create(file=file, line=2, position=1, verdict="changed", changes={"name": ["A", "B"]})
        return {"import": file.pk}

    @staticmethod
    def programme(world: SimpleNamespace) -> Any:
        """An open programme, with its first version."""
        programme = Programme.objects.create(name_de="In Führung gehen", name_en="Into leadership", agency=world.south)
        words = {"about_de": "Für neue Führungskräfte.", "about_en": "For new leaders."}
        ProgrammeVersion.objects.create(programme=programme, occasion=world.occasion, made_by=world.dirk, **words)
        return programme.pk

    @staticmethod
    def own_question(owner: User) -> Any:
        with rls.acting_as(owner.pk):
            own = OwnQuestion(owner=owner)
            own.text = "NUR-BENS"
            own.save()
        return own.pk

    @staticmethod
    def fresh(engagement: Engagement) -> Engagement:
        with as_owner():
            return Engagement.objects.select_related("learner", "companion").get(pk=engagement.pk)

    def client(self, who: str) -> Client:
        client = Client()
        client.raise_request_exception = False
        if user := self.people[who]:
            with as_owner():
                client.force_login(user, backend="accounts.backends.EmailBackend")
            confirm(client, ago=-7200)  # the matrix may take longer than a confirmation lasts
        return client

    @staticmethod
    def of_talk(model: Any, talk: Conversation | None, engagement: Engagement) -> Any:
        """The talk's row of this table, made by fill(); any id where there is no talk."""
        return model.objects.get(conversation=talk).pk if talk else engagement.pk

    def address(self, name: str) -> str:
        """The route's address with this world's things in it."""
        address = ROUTES[name]
        place = {
            "/termine/<uuid:pk>": "appointment", "/gespraeche/<uuid:pk>": "talk", "/lernschritte/<uuid:pk>": "step",
            "/lerntagebuch/<uuid:pk>": "entry", "/erkenntnisse/<uuid:pk>": "insight", "/faustregeln/<uuid:pk>": "rule",
            "/zeiten/<uuid:pk>": "offered_time",
            "/fragen/eigene/<uuid:pk>": "own_question", "/fragen/vorschlaege/<uuid:pk>": "proposal",
            "/methode/vorschlaege/<uuid:pk>": "proposal", "/fragen/<int:pk>": "question", "/methode/fragen/<int:pk>": "question",
            "/ziele/<uuid:pk>": "goal", "/entwuerfe/<uuid:pk>": "draft", "/rueckblick/<uuid:pk>": "check",
            "/erinnerungen/geraete/<uuid:pk>": "device",
            "/personen/<int:pk>": "person", "/einladungen/<int:pk>": "invitation",
            "/programme/<uuid:pk>": "programme", "/programme/anlaesse/<int:pk>": "occasion",
            "/dienststellen/<int:pk>": "agency", "/accounts/2fa/webauthn/keys/<int:pk>": "passkey",
            "/begleitende/<int:pk>": "companion", "/zuordnung/alle/<uuid:pk>": "assignment",
            "/zuordnung/nachrichten/<uuid:pk>": "line_of_messages",
            "/importe/<uuid:pk>": "import",
        }  # fmt: skip
        thing = next((what for start, what in place.items() if address.startswith(start)), "engagement")
        address = re.sub(r"<(uuid|int):pk>", str(self.samples[thing]), address)
        for part, value in (("<int:companion_id>", self.samples["companion"]), ("<int:part>", 1), ("<int:line_id>", self.samples["line"]),
                            *((f"<uuid:{thing}_id>", self.samples[thing]) for thing in
                              ("observation", "idea", "addition", "version", "feedback"))):  # fmt: skip
            address = address.replace(part, str(value))
        address = address.replace("vorlage/<str:kind>", "vorlage/people").replace("<str:kind>", "conversation")
        return re.sub(r"\(\?P<\w+>.*?\)(?=[-/])|<\w+:\w+>|\(\?P<\w+>.*\)", "x", address)

    def ask(self, who: str, name: str, method: str, *, address: str = "", data: Any = None) -> tuple[str, str]:
        """(the class of the answer, its body); whatever it changed is undone."""
        client, user, old = self.clients[who], self.people[who], {}
        cookies = client.cookies.copy()
        headers = {"HX-Request": "true"} if method == "HTMX" else {}
        with transaction.atomic():
            if who == "deactivated":
                with as_owner():
                    User.objects.filter(pk=user.pk).update(is_active=False)
            if who == "superuser":
                old = {"is_staff": User.is_staff, "is_superuser": User.is_superuser, "has_perm": User.has_perm}
                User.is_staff = User.is_superuser = True
                User.has_perm = lambda self, perm, obj=None: True
            try:
                call = client.get if method == "GET" else client.post
                response = call(address or self.address(name), data, headers=headers)
                body = read(response)
            finally:
                for key, value in old.items():
                    setattr(User, key, value)
                transaction.set_rollback(True)
                client.cookies = cookies
        code = response.status_code
        if code == 401 or code == 302 and response["Location"].startswith("/accounts/login/"):
            return "login", body
        return (str(code) if code in (400, 403, 404, 405) or code >= 500 else "may"), body


def read(response: Any) -> str:
    """What the answer says; of a PDF, its text."""
    if response.streaming:
        return ""
    if response.headers.get("Content-Type") == "application/pdf":
        return " ".join(page.extract_text() for page in PdfReader(io.BytesIO(response.content)).pages)
    return response.content.decode()


@pytest.fixture
def place(
    request: pytest.FixtureRequest, world: SimpleNamespace, engagement_in: Callable[..., Engagement], settings: Any
) -> Place:
    settings.PUSH_KEY = new_key()
    return Place(getattr(request, "param", "active"), world, engagement_in)


def names_in(world: str) -> list[str]:
    """All routes in the first world; in the others those about one thing."""
    return [name for name, address in ROUTES.items() if world == "active" or "<uuid:pk>" in address]


def written() -> dict[tuple[str, str, str], list[str]]:
    """The table: (world, route, method) and the answer to each of PEOPLE."""
    rows, world = {}, ""
    for line in TABLE.read_text().splitlines():
        if line.startswith("## "):
            world = line[3:].partition(":")[0]
        elif line.strip() and not line.startswith("#"):
            name, method, *answers = line.split()
            rows[world, name, method] = answers
    return rows


def may_read(who: str, world: str, word: str) -> bool:
    """Who may see the words of this world."""
    if word == "NUR-BENS":
        return who == "companion"
    if who == "learner":
        return True
    return who == "companion" and word != "NUR-FUER-MICH" and world == "active"


@pytest.mark.parametrize("place", WORLDS, indirect=True)
def test_every_address_answers_everybody_as_the_table_says(place: Place) -> None:
    found, leaks, writing = {}, [], os.environ.get("WRITE_MATRIX")
    known = {row[1] for row in written() if row[0] == place.name} if writing == "new" else set()
    for name in names_in(place.name):
        if name in known:
            continue
        for method in ("GET", "POST", "HTMX"):
            answers = []
            for who in PEOPLE:
                answer, body = place.ask(who, name, method)
                answers.append(answer)
                leaks += [
                    f"{word} for {who} at {method} {name}"
                    for word in WORDS
                    if word in body and not may_read(who, place.name, word)
                ]
            found[place.name, name, method] = answers
    assert leaks == []
    if writing:
        write(place.name, found)
    expected = {row: answers for row, answers in written().items() if row[0] == place.name and row[1] not in known}
    assert set(found) == set(expected), "addresses without a line, or lines without an address"
    wrong = [
        f"{row}: {who} got {got}, expected {wanted}"
        for row, answers in found.items()
        for who, got, wanted in zip(PEOPLE, answers, expected[row], strict=True)
        if got != wanted
    ]
    assert wrong == []


def write(world: str, found: dict[tuple[str, str, str], list[str]]) -> None:
    rows = {**({} if not TABLE.exists() else written()), **found}
    head = [
        "# Who gets what at which address. may: a page or an accepted form; login: asked to sign in (401 for htmx);",
        "# 404: as if it did not exist; 403: may read, but not do this; 405: no such way of asking; 400: not understood.",
    ]
    for one, what in WORLDS.items():
        head += [
            "",
            f"## {one}: {what}",
            f"{'# address':<36} {'':<5} " + " ".join(f"{who:<{max(len(who), 5)}}" for who in PEOPLE),
        ]
        head += [
            f"{row[1]:<36} {row[2]:<5} " + " ".join(f"{a:<{max(len(w), 5)}}" for w, a in zip(PEOPLE, answers, strict=True))
            for row, answers in rows.items() if row[0] == one
        ]  # fmt: skip
    TABLE.write_text("\n".join(line.rstrip() for line in head) + "\n")


# ── without the views' own filters ─────────────────────────────────────────

FILTERS: list[tuple[Any, str]] = [
    (EngagementQuerySet, "of_pair_member"),
    (EngagementQuerySet, "of_learner"),
    (EngagementQuerySet, "of_companion"),
    (AppointmentQuerySet, "of_pair_member"),
    (ConversationQuerySet, "of_pair_member"),
    (Engagement, "is_one_of_the_pair"),
    (Engagement, "is_learner"),
    (Engagement, "is_companion"),
]


@pytest.fixture
def made_anew() -> Iterator[None]:
    """Kept statements are made with the filters of this test, and not kept beyond it."""
    kept.forget()
    yield
    kept.forget()


STRANGERS = [who for who in PEOPLE if who not in ("learner", "companion", "anonymous")]


def foreign_words(place: Place, people: list[str]) -> list[str]:
    """Every GET of the project as these people: where a foreign word appears."""
    found = []
    for name in ROUTES:
        for who in people:
            _answer, body = place.ask(who, name, "GET")
            found += [f"{word} for {who} at {name}" for word in WORDS if word in body]
    return found


@pytest.mark.parametrize(("where", "name"), FILTERS, ids=[f"{w.__name__}.{n}" for w, n in FILTERS])
def test_without_a_filter_the_database_still_shows_nothing(
    where: Any, name: str, place: Place, made_anew: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if where is Engagement:
        monkeypatch.setattr(where, name, lambda self, user: True)
    else:
        monkeypatch.setattr(where, name, lambda self, user: self.all())
    assert foreign_words(place, STRANGERS) == []


def test_without_the_database_the_missing_filter_would_show_it(
    place: Place, made_anew: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When nothing may leak, make sure something could."""
    for where, name in FILTERS[:5]:
        monkeypatch.setattr(where, name, lambda self, user: self.all())
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")
        try:
            found = foreign_words(place, ["other_learner"])
        finally:
            cursor.execute("SET ROLE lern_app")
    assert any("GEHEIM" in leak for leak in found)


def test_nobody_finds_an_error_page_of_the_server() -> None:
    assert [row for row, answers in written().items() if any(answer.startswith("5") for answer in answers)] == []


def test_roles_that_open_no_content_exist_only_in_the_table(place: Place) -> None:
    """The staff council's role opens nothing about a person; its catalogues come with their own issue."""
    rows = written()
    for (world, name, method), answers in rows.items():
        by = dict(zip(PEOPLE, answers, strict=True))
        assert by["staff_council"] == by["superuser"] == by["other_learner"], (world, name, method)
        assert by["deactivated"] == by["anonymous"], (world, name, method)


@pytest.mark.parametrize("who", ["coordinator", "administrator", "method_owner"])
def test_a_role_that_has_ended_opens_nothing_at_the_next_click(who: str, place: Place) -> None:
    user = place.people[who]
    page = {
        "coordinator": "engagements:assignment",
        "administrator": "accounts:people",
        "method_owner": "conversations:method",
    }[who]
    assert place.ask(who, page, "GET")[0] == "may"
    with as_owner():
        RoleGrant.objects.filter(user=user).update(ends_on=clock.today() - timedelta(days=1))
    assert place.ask(who, page, "GET")[0] == "403"
