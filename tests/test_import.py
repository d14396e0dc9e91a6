"""A file of agencies or people: looked over first, then taken over by the worker, batch by batch, nothing twice."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import ProgrammingError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts import import_work
from accounts.actions import imports as actions
from accounts.actions import invitations
from accounts.import_trees import in_tree_order
from accounts.models import Agency, AuditEvent, ImportFile, ImportLine, Invitation, OutgoingMail, RoleGrant, User
from accounts.tasks import take_over_imports
from engagements.models import CompanionLoad, CompanionProfile
from lernbegleitung import clock, ids, rls

from .conftest import as_owner, confirm
from .people import make_role, person
from .test_pairing import as_worker
from .test_retention import run_as_worker

pytestmark = pytest.mark.django_db
ClientOf = Callable[[User], Client]
PEOPLE = "E-Mail-Adresse;Name;Dienststelle;Tätigkeit;Team;Sprache;Rolle;Rolle bis\n"
AGENCIES = "Kürzel;Name;Art;Gehört zu;Bundesland;Ort\n"


def looked_over(user: User, text: str | bytes, kind: str = "people") -> ImportFile:
    pk = ids.new_id()
    with rls.acting_as(user.pk):
        data = text if isinstance(text, bytes) else text.encode()
        actions.look_over(pk=pk, kind=kind, data=data, by=user)
    return fresh(pk)


def taken_over(user: User, text: str, kind: str = "people", *, invite: bool = True) -> ImportFile:
    file = looked_over(user, text, kind)
    start(file, user, invite=invite)
    ring()
    return fresh(file.pk)


def start(file: ImportFile, user: User, *, invite: bool = True) -> bool:
    with rls.acting_as(user.pk):
        return actions.take_over(file=file, invite=invite, by=user)


def ring() -> dict[str, int]:
    return as_worker(take_over_imports)


def fresh(pk: Any) -> ImportFile:
    with as_owner():
        return ImportFile.objects.get(pk=pk)


def lines_of(file: ImportFile) -> list[ImportLine]:
    with as_owner():
        return list(file.lines.all())


def verdicts(file: ImportFile) -> list[str]:
    return [line.verdict for line in lines_of(file)]


def outcomes(file: ImportFile) -> list[str]:
    return [line.outcome for line in lines_of(file)]


def reasons(file: ImportFile) -> list[list[list[str]]]:
    return [line.reasons for line in lines_of(file)]


def upload(client: Client, text: str | bytes, kind: str = "people", **also: Any) -> Any:
    data = text if isinstance(text, bytes) else text.encode()
    file = SimpleUploadedFile("liste.csv", data, content_type="text/csv")
    return client.post(reverse("accounts:imports"), {"art": kind, "file": file, **also})


# ── what a file looks like ─────────────────────────────────────────────────


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("separator", [";", ",", "\t"])
def test_a_file_is_read_as_excel_and_others_write_it(world: SimpleNamespace, encoding: str, separator: str) -> None:
    rows = [["Name", "DIENSTSTELLE", "e-mail", "Schuhgröße"], ["Jörg Groß", "augsburg", "joerg@example.org", "44"]]
    file = looked_over(world.dirk, "\r\n".join(separator.join(row) for row in rows).encode(encoding))
    (line,) = lines_of(file)
    assert (line.values["name"], line.verdict, line.line, file.unknown) == ("Jörg Groß", "new", 2, ["Schuhgröße"])


def test_headings_and_words_may_be_english(world: SimpleNamespace) -> None:
    text = (
        "Email address,Name,Agency,Role,Role until,Language\nx@example.org,X,augsburg,Coordination,2099-12-31,English\n"
    )
    (line,) = lines_of(looked_over(world.dirk, text))
    assert (line.verdict, line.values["role"], line.values["language"]) == ("new", "coordinator", "en")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "Die Datei ist leer."),
        (b"\n \n", "Die Datei ist leer."),
        (b"PK\x03\x04" + b"x" * 50, "Das ist eine Arbeitsmappe."),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF\x81", "Die Datei ist kein Text."),
        (b"Name;Dienststelle\nX;augsburg\n", "In der ersten Zeile fehlt: E-Mail-Adresse."),
        (b"Name;E-Mail;Dienststelle;Mail\nX;x@example.org;a;b\n", "Die Spalte „Mail“ steht zweimal in der Datei."),
        (b"Name;E-Mail;Dienststelle\n", "Unter den Überschriften steht keine Zeile."),
        (b'Name;E-Mail;Dienststelle\n"' + b"x" * 140_000 + b'";y;z\n', "lässt sich nicht als Tabelle lesen"),
        (b"Name;E-Mail;Dienststelle\n" + b"X;x@example.org;a\n" * 20_001, "Die Datei hat mehr als 20.000 Zeilen."),
        (b"x" * 5_000_001, "Die Datei ist größer als 5 MB."),
    ],
)
def test_what_cannot_be_read_is_said_beside_the_field(
    world: SimpleNamespace, client_of: ClientOf, data: bytes, words: str
) -> None:
    response = upload(client_of(world.dirk), data)
    page = response.content.decode()
    assert response.status_code == 422 and words in page and 'id="id_file_error"' in page
    with as_owner():
        assert not ImportFile.objects.exists()


def test_the_template_can_be_brought_in_as_it_is(world: SimpleNamespace, client_of: ClientOf) -> None:
    client = client_of(world.dirk)
    for kind in ("agencies", "people"):
        response = client.get(reverse("accounts:import_template", args=[kind]))
        assert response["Content-Disposition"] == f'attachment; filename="{kind}.csv"'
        assert response.content.startswith(b"\xef\xbb\xbf")
        file = looked_over(world.dirk, response.content, kind)
        assert {code for line in reasons(file) for code, _about in line} <= {
            "parent_unknown",
            "agency_unknown",
            "parent_refused",
        }
    assert client.get(reverse("accounts:import_template", args=["x"])).status_code == 404


# ── people ─────────────────────────────────────────────────────────────────


def test_each_refused_line_says_why_in_the_readers_language(world: SimpleNamespace, client_of: ClientOf) -> None:
    long = "x" * 121
    text = PEOPLE + (
        ";Ohne Adresse;augsburg;;;;;\n"
        "keine Adresse;X;augsburg;;;;;\n"
        "a@example.org;A;nirgends;;;;;\n"
        "b@example.org;;;;;;;\n"
        "c@example.org;C;augsburg;;;Latein;Chef;\n"
        "d@example.org;D;augsburg;;;;Lernbegleitung;gestern\n"
        "e@example.org;E;augsburg;;;;Lernbegleitung;1.1.2020\n"
        "f@example.org;F;augsburg;;;;;31.12.2099\n"
        "g@example.org;G;augsburg;;;;;;zu viel\n"
        f"h@example.org;{long};augsburg;;;;;\n"
        "ANNA@example.org;;;;;;;\n"
        "anna@example.org;;;;;;;\n"
    )
    file = looked_over(world.dirk, text)
    assert [[code for code, _about in line] for line in reasons(file)] == [
        ["missing"], ["email_wrong"], ["agency_unknown"], ["missing", "missing"], ["language_unknown", "role_unknown"],
        ["date_wrong"], ["date_past"], ["until_alone"], ["surplus"], ["too_long"], [], ["twice"],
    ]  # fmt: skip
    page = client_of(world.dirk).get(reverse("accounts:import", args=[file.pk]) + "?zeilen=abgelehnt").content.decode()
    for words in ("Hier fehlt: E-Mail-Adresse.", "„keine Adresse“ ist keine vollständige E-Mail-Adresse.", "Zu lang: Name.",
                  "Eine Dienststelle mit dem Kürzel „nirgends“ gibt es nicht.", "Steht schon in Zeile 12."):  # fmt: skip
        assert words in page
    with as_owner():
        User.objects.filter(pk=world.dirk.pk).update(language="en")
    page = client_of(world.dirk).get(reverse("accounts:import", args=[file.pk])).content.decode()
    assert "Missing here: Name." in page and "Already in line 12." in page


def test_nothing_is_written_before_it_is_taken_over(world: SimpleNamespace) -> None:
    file = looked_over(world.dirk, PEOPLE + "neu@example.org;Neu;augsburg;;;;;\nanna@example.org;Anna Neu;ulm;;;;;\n")
    assert (verdicts(file), ring()) == (["new", "changed"], {})
    with as_owner():
        assert not Invitation.objects.exists() and not OutgoingMail.objects.exists()
        assert User.objects.get(pk=world.anna.pk).name == "Anna Beispiel"


def test_people_are_invited_changed_and_given_roles(world: SimpleNamespace) -> None:
    text = PEOPLE + (
        "neu@example.org;Neue Person;augsburg;Beratung;142;en;Lernbegleitung;31.12.2099\n"
        "anna@example.org;Anna Anders;ulm;Vermittlung;;;Lernbegleitung;\n"
    )
    file = taken_over(world.dirk, text)
    assert (file.state, outcomes(file)) == ("done", ["done", "done"])
    with as_owner():
        anna = User.objects.get(pk=world.anna.pk)
        assert (anna.name, anna.agency_id, anna.job, anna.team) == ("Anna Anders", world.ulm.pk, "Vermittlung", "")
        (grant,) = RoleGrant.objects.filter(user=anna)
        assert (grant.role, grant.agency_id, grant.ends_on, grant.granted_by_id) == (
            "companion",
            world.ulm.pk,
            None,
            world.dirk.pk,
        )
        assert (
            CompanionProfile.objects.get(pk=anna.pk).in_training and CompanionLoad.objects.get(pk=anna.pk).capacity == 3
        )
        mail, told = OutgoingMail.objects.order_by("-kind")
        assert (told.kind, told.recipient_id, told.facts) == ("agency_changed", anna.pk, {"path": "/begleitungen/"})
        assert anna.agency_since is not None
        assert (mail.address, mail.language, mail.kind) == ("neu@example.org", "en", "invitation")
    token = mail.facts["path"].split("/")[-2]
    with rls.acting_as(None, at_the_door=True):
        user = invitations.accept(token=token, name="Neue Person", password="ein langer Satz 1", language="en")  # noqa: S106
    with as_owner():
        (grant,) = RoleGrant.objects.filter(user=user)
        assert (user.job, user.team, user.agency_id) == ("Beratung", "142", world.augsburg.pk)
        assert (grant.role, str(grant.ends_on), grant.granted_by_id) == ("companion", "2099-12-31", world.dirk.pk)
    assert verdicts(looked_over(world.dirk, text)) == ["unchanged", "unchanged"], "also once they have come in"


def test_the_same_file_again_changes_nothing(world: SimpleNamespace) -> None:
    text = (
        PEOPLE + "neu@example.org;Neu;augsburg;;;;Koordination;\nanna@example.org;Anna;ulm;;;;Koordination;2099-01-01\n"
    )
    taken_over(world.dirk, text)
    again = looked_over(world.dirk, text)
    assert (verdicts(again), start(again, world.dirk)) == (["unchanged", "unchanged"], False)


def test_an_empty_cell_leaves_what_is_there(world: SimpleNamespace) -> None:
    with as_owner():
        User.objects.filter(pk=world.anna.pk).update(job="Beratung", team="7")
    assert verdicts(looked_over(world.dirk, PEOPLE + "anna@example.org;;;;;;;\n")) == ["unchanged"]


def test_no_role_is_taken_or_shortened_and_nobody_switched_off(world: SimpleNamespace) -> None:
    with as_owner():
        make_role(world.anna, "coordinator", world.ulm, ends_on=clock.today() + timedelta(days=9))
        User.objects.filter(pk=world.stranger.pk).update(is_active=False)
    text = PEOPLE + (
        f"anna@example.org;;ulm;;;;Koordination;{clock.today() + timedelta(days=2)}\n"
        "dirk@example.org;Dirk Anders;;;;;;\nfritz@example.org;Fritz Anders;;;;;;\n"
    )
    file = taken_over(world.dirk, text)
    assert outcomes(file) == ["done", "done", "done"]
    with as_owner():
        assert RoleGrant.objects.get(user=world.anna).ends_on == clock.today() + timedelta(days=9)
        assert RoleGrant.objects.filter(user=world.dirk, role="administrator", ends_on=None).exists()
        assert not User.objects.get(pk=world.stranger.pk).is_active
    longer = PEOPLE + "anna@example.org;;ulm;;;;Koordination;2099-12-31\n"
    assert outcomes(taken_over(world.dirk, longer)) == ["done"]
    with as_owner():
        assert str(RoleGrant.objects.get(user=world.anna).ends_on) == "2099-12-31"


def test_an_open_invitation_that_says_otherwise_is_replaced(world: SimpleNamespace) -> None:
    taken_over(world.dirk, PEOPLE + "neu@example.org;Neu;augsburg;Beratung;;;;\n")
    file = taken_over(world.dirk, PEOPLE + "neu@example.org;Neu;ulm;;;;;\n")
    (line,) = lines_of(file)
    assert (line.verdict, line.changes, line.outcome) == ("changed", {"agency": ["augsburg", "ulm"]}, "done")
    with as_owner():
        (open_one,) = Invitation.objects.filter(withdrawn_at=None)
        assert (open_one.agency_id, open_one.job) == (world.ulm.pk, "Beratung")
        assert Invitation.objects.count() == OutgoingMail.objects.count() == 2


def test_invitations_wait_until_the_administrator_says_so(world: SimpleNamespace, client_of: ClientOf) -> None:
    file = taken_over(
        world.dirk, PEOPLE + "neu@example.org;Neu;augsburg;;;;;\nanna@example.org;A;;;;;;\n", invite=False
    )
    assert (file.state, outcomes(file)) == ("done", ["", "done"])
    client = client_of(world.dirk)
    address = reverse("accounts:import_take_over", args=[file.pk])
    assert "1 Einladung wartet darauf" in client.get(reverse("accounts:import", args=[file.pk])).content.decode()
    assert "1 Einladung senden?" in client.post(address).content.decode()
    assert client.post(address, {"confirmed": 1, "invite": 1}).status_code == 302
    ring()
    assert outcomes(file) == ["done", "done"]
    with as_owner():
        assert OutgoingMail.objects.count() == 1


# ── agencies ───────────────────────────────────────────────────────────────


def test_agencies_are_planted_below_each_other_and_changed(world: SimpleNamespace) -> None:
    text = AGENCIES + (
        "enkel;Enkel;Jobcenter;kind;BY;Ulm\nkind;Kind;Agentur für Arbeit;bayern;Bayern;\n"
        "ulm;Ulm;;bayern;;Neu-Ulm\naugsburg;;;;;\n"
    )
    file = taken_over(world.dirk, text, "agencies")
    assert (verdicts(file), outcomes(file)) == (["new", "new", "changed", "unchanged"], ["done", "done", "done", ""])
    with as_owner():
        south, child, grandchild = (Agency.objects.get(code=code) for code in ("bayern", "kind", "enkel"))
        assert (child.path, grandchild.path) == (f"{south.path}{child.pk}/", f"{child.path}{grandchild.pk}/")
        assert (grandchild.parent_id, grandchild.state, Agency.objects.get(code="ulm").city) == (
            child.pk,
            "BY",
            "Neu-Ulm",
        )
        Agency.objects.create(code="danach", name="Danach", kind="agency", parent=south, state="BY")
    assert verdicts(looked_over(world.dirk, text, "agencies")) == ["unchanged"] * 4


def test_agencies_that_hang_nowhere_are_refused(world: SimpleNamespace) -> None:
    text = AGENCIES + (
        "a;A;agency;b;BY;\nb;B;agency;a;BY;\nc;C;agency;b;BY;\nd;D;agency;weg;BY;\ne;E;agency;d;BY;\n"
        "f f;F;agency;bayern;BY;\ng;G;Burg;bayern;Atlantis;\nh;H;agency;g;BY;\naugsburg;;;nord;;\ni;I;agency;;BY;\n"
    )
    file = looked_over(world.dirk, text, "agencies")
    assert [[code for code, _about in line] for line in reasons(file)] == [
        ["cycle"], ["cycle"], ["cycle"], ["parent_unknown"], ["parent_refused"], ["code_wrong"],
        ["kind_unknown", "state_unknown", "missing", "missing"], ["parent_refused"], ["moved"], ["missing"],
    ]  # fmt: skip
    assert not start(file, world.dirk)


def test_the_order_of_a_tree_is_a_function_of_values() -> None:
    chain = {f"n{number}": f"n{number - 1}" if number else "root" for number in range(12)}
    order, faults = in_tree_order(dict(reversed(chain.items())), {"root": 1}, refused=set())
    assert order == [f"n{number}" for number in range(9)]
    assert faults == {"n9": "too_deep", "n10": "too_deep", "n11": "too_deep"}


# ── meanwhile ──────────────────────────────────────────────────────────────


def test_what_has_changed_since_the_preview_is_left_and_reported(world: SimpleNamespace) -> None:
    text = PEOPLE + (
        "anna@example.org;Anna A;;;;;;\nben@example.org;Ben B;;;;;;\nfritz@example.org;Fritz F;;;;;;\n"
        "neu@example.org;Neu;augsburg;;;;;\n"
    )
    file = looked_over(world.dirk, text)
    with as_owner():
        User.objects.filter(pk=world.anna.pk).update(name="Anna Zwischendurch")
        User.objects.filter(pk=world.ben.pk).update(name="Ben B")
        person("Neu", world.ulm)
    start(file, world.dirk)
    ring()
    assert outcomes(file) == ["meanwhile", "already", "done", "meanwhile"]
    with as_owner():
        assert User.objects.get(pk=world.anna.pk).name == "Anna Zwischendurch"
        assert User.objects.get(email="neu@example.org").agency_id == world.ulm.pk and not Invitation.objects.exists()


def test_an_agency_that_has_vanished_refuses_its_lines_alone(world: SimpleNamespace) -> None:
    with as_owner():
        gone = Agency.objects.create(code="weg", name="Weg", kind="agency", parent=world.south, state="BY")
    people = looked_over(
        world.dirk, PEOPLE + "neu@example.org;Neu;weg;;;;;\nanna@example.org;A;weg;;;;;\nben@example.org;B;;;;;;\n"
    )
    agencies = looked_over(world.dirk, AGENCIES + "weg;Anders;;;;\nkind;Kind;agency;weg;BY;\n", "agencies")
    with as_owner():
        gone.delete()
    for file in (people, agencies):
        start(file, world.dirk)
    ring()
    assert outcomes(people) == ["no_agency", "no_agency", "done"] and set(outcomes(agencies)) == {"no_agency"}


def test_an_agency_that_has_gone_up_into_another_one_leads_there(world: SimpleNamespace) -> None:
    before = looked_over(
        world.dirk, PEOPLE + "fritz@example.org;;ulm;;;;Lernbegleitung;\nneu@example.org;Neu;ulm;;;;;\n"
    )
    with as_owner():
        User.objects.filter(agency=world.ulm).update(agency=world.augsburg)
        Agency.objects.filter(pk=world.ulm.pk).update(
            merged_on=clock.today(), parent=world.augsburg, path=f"{world.augsburg.path}{world.ulm.pk}/"
        )
    start(before, world.dirk)
    ring()
    assert outcomes(before) == ["done", "done"]
    with as_owner():
        fritz = User.objects.get(pk=world.stranger.pk)
        assert (fritz.agency_id, fritz.agency_since is None) == (world.augsburg.pk, False)
        assert [grant.agency_id for grant in fritz.grants.all()] == [world.augsburg.pk]
        assert Invitation.objects.get().agency_id == world.augsburg.pk
    again = looked_over(world.dirk, PEOPLE + "ben@example.org;;ulm;;;;;\nfritz@example.org;;ulm;;;;Lernbegleitung;\n")
    assert verdicts(again) == ["unchanged", "unchanged"]
    text = AGENCIES + "ulm;Ulm;agency;bayern;BW;\nkind;Kind;agency;ulm;BY;\n"
    file = taken_over(world.dirk, text, "agencies")
    assert reasons(file) == [[["merged", "Augsburg"]], []]
    with as_owner():
        assert Agency.objects.get(code="kind").parent_id == world.augsburg.pk


def test_the_same_file_in_two_tabs_is_taken_over_once(world: SimpleNamespace) -> None:
    text = PEOPLE + "neu@example.org;Neu;augsburg;;;;;\nanna@example.org;A;;;;;Lernbegleitung;\n"
    with as_owner():
        make_role(world.mia, "administrator", world.centre)
    one, two = looked_over(world.dirk, text), looked_over(world.mia, text)
    assert start(one, world.dirk) and not start(one, world.dirk) and start(two, world.mia)
    ring()
    assert sorted(outcomes(one) + outcomes(two)) == ["already", "already", "done", "done"]
    with as_owner():
        assert (
            OutgoingMail.objects.count()
            == Invitation.objects.count()
            == RoleGrant.objects.filter(user=world.anna).count()
            == 1
        )


def test_a_double_click_uploads_once(world: SimpleNamespace, client_of: ClientOf) -> None:
    client, pk = client_of(world.dirk), str(ids.new_id())
    text = PEOPLE + "neu@example.org;Neu;augsburg;;;;;\n"
    assert {upload(client, text, pk=pk)["Location"] for _click in range(2)} == {reverse("accounts:import", args=[pk])}
    with as_owner():
        assert ImportLine.objects.count() == 1


def test_whoever_is_no_administrator_any_more_takes_nothing_over(world: SimpleNamespace) -> None:
    file = looked_over(world.dirk, PEOPLE + "anna@example.org;A;;;;;Administration;\n")
    start(file, world.dirk)
    with as_owner():
        RoleGrant.objects.filter(user=world.dirk).delete()
    ring()
    assert outcomes(file) == ["not_allowed"]
    with as_owner():
        assert not RoleGrant.objects.filter(user=world.anna).exists()


def test_a_worker_that_dies_between_batches_is_followed_by_the_next(
    world: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_work, "BATCH", 2)
    text = PEOPLE + "".join(f"neu{number}@example.org;Neu;augsburg;;;;;\n" for number in range(7))
    file = looked_over(world.dirk, text)
    start(file, world.dirk)
    post, calls = import_work.post_links, []

    def dies(invited: Any) -> None:
        calls.append(invited)
        post(invited)
        if len(calls) == 2:
            raise OSError("the machine")

    monkeypatch.setattr(import_work, "post_links", dies)
    with pytest.raises(OSError, match="the machine"):
        ring()
    assert outcomes(file) == ["done"] * 2 + [""] * 5, "the batch in which it died is undone as a whole"
    assert fresh(file.pk).attempts == 1
    ring()
    assert (fresh(file.pk).state, set(outcomes(file))) == ("done", {"done"})
    with as_owner():
        assert Invitation.objects.count() == OutgoingMail.objects.count() == 7
        hashes = set(Invitation.objects.values_list("token_hash", flat=True))
        tokens = [mail.facts["path"].split("/")[-2] for mail in OutgoingMail.objects.all()]
    assert {invitations.hash_of(token) for token in tokens} == hashes


def test_after_three_attempts_the_page_offers_to_start_again(
    world: SimpleNamespace, client_of: ClientOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = looked_over(world.dirk, PEOPLE + "anna@example.org;A;;;;;;\n")
    start(file, world.dirk)
    monkeypatch.setattr(import_work, "take_batch", lambda file: 1 / 0)
    for _try in range(3):
        with pytest.raises(ZeroDivisionError):
            ring()
    assert ring() == {}
    client = client_of(world.dirk)
    page = client.get(reverse("accounts:import", args=[file.pk])).content.decode()
    assert "Das hat nicht geklappt." in page and 'hx-trigger="every' not in page
    client.post(reverse("accounts:import_again", args=[file.pk]))
    monkeypatch.undo()
    ring()
    assert outcomes(file) == ["done"]


# ── ten thousand rows ──────────────────────────────────────────────────────


def test_ten_thousand_rows(world: SimpleNamespace, client_of: ClientOf) -> None:
    with as_owner():
        User.objects.bulk_create(
            User(email=f"p{number}@example.org", name=f"P {number}", agency=world.ulm) for number in range(3000)
        )
    rows = [f"p{number}@example.org;P {number};augsburg;Beratung;7;;Lernbegleitung;\n" for number in range(9990)]
    rows += [f"kaputt{number};K;augsburg;;;;;\n" for number in range(10)]
    client = client_of(world.dirk)
    with CaptureQueriesContext(connection) as asked:
        response = upload(client, PEOPLE + "".join(rows))
    assert len(asked) < 40, "a fixed number of questions, and five thousandfold inserts"
    file = fresh(re.search(r"[0-9a-f-]{36}", response["Location"])[0])  # type: ignore[index]
    start(file, world.dirk)
    with CaptureQueriesContext(connection) as asked:
        while fresh(file.pk).is_at_work():
            ring()
    assert len(asked) < 9990 / import_work.BATCH * 12 + 100, "a fixed number of questions for each batch"
    with as_owner():
        sums = file.lines.summary()
        assert (sums["new"], sums["changed"], sums["refused"], sums["done"]) == (6990, 3000, 10, 9990)
        assert Invitation.objects.count() == OutgoingMail.objects.filter(kind="invitation").count() == 6990
        assert OutgoingMail.objects.filter(kind="agency_changed").count() == 3000
        assert RoleGrant.objects.filter(role="companion", agency=world.augsburg).count() == 3000
        assert CompanionLoad.objects.count() == 3001
    again = looked_over(world.dirk, PEOPLE + "".join(rows))
    with as_owner():
        assert again.lines.summary()["unchanged"] == 9990


# ── pages ──────────────────────────────────────────────────────────────────


def test_from_the_upload_to_the_report(world: SimpleNamespace, client_of: ClientOf) -> None:
    client = client_of(world.dirk)
    text = PEOPLE + "anna@example.org;=Anna;ulm;;;;;\n=2+5;X;augsburg;;;;;\n"
    address = upload(client, text)["Location"]
    page = client.get(address).content.decode()
    assert "1 von 2 Zeilen würde etwas ändern." in page and "<del>" in page and "augsburg" in page
    start_address = f"{address}uebernehmen/"
    assert "1 Zeile übernehmen?" in client.post(start_address).content.decode()
    assert client.post(start_address, {"confirmed": 1})["Location"] == address
    working = client.get(address).content.decode()
    assert "0 von 1 erledigt." in working and 'hx-trigger="every 2s"' in working
    ring()
    assert "1 Zeile ist übernommen." in client.get(address).content.decode()
    response = client.get(f"{address}abgelehnt.csv")
    rows = list(csv.reader(io.StringIO(response.content.decode("utf-8-sig")), delimiter=";"))
    assert rows[1][:4] == ["3", "„=2+5“ ist keine vollständige E-Mail-Adresse.", "'=2+5", "X"]
    corrected = response.content.decode().replace("'=2+5", "neu@example.org")
    file = looked_over(world.dirk, corrected)
    assert (verdicts(file), file.unknown) == (["new"], [])
    assert client.post(f"{address}verwerfen/").status_code == 302
    with as_owner():
        assert not ImportFile.objects.filter(pk=address.split("/")[-2]).exists()


def test_taking_over_asks_who_it_is_and_keeps_an_audit_line_without_names(
    world: SimpleNamespace, client_of: ClientOf
) -> None:
    file = looked_over(world.dirk, PEOPLE + "anna@example.org;A;;;;;;\n")
    client = client_of(world.dirk)
    confirm(client, ago=600)
    response = client.post(reverse("accounts:import_take_over", args=[file.pk]), {"confirmed": 1})
    assert response.status_code == 302 and "/reauthenticate/" in response["Location"]
    taken_over(world.dirk, PEOPLE + "anna@example.org;A;;;;;;\n")
    with as_owner():
        kinds = list(AuditEvent.objects.order_by("pk").values_list("kind", "actor", "subject"))
    assert kinds == [
        (f"import.people_{what}", world.dirk.pk, None) for what in ("looked_over", "looked_over", "taken_over")
    ]


@pytest.mark.parametrize("name", ["import", "import_take_over", "import_again", "import_discard", "import_refused"])
def test_another_administrators_file_does_not_exist(world: SimpleNamespace, client_of: ClientOf, name: str) -> None:
    with as_owner():
        make_role(world.mia, "administrator", world.centre)
    file = looked_over(world.dirk, PEOPLE + "anna@example.org;A;;;;;;\n")
    address, client = reverse(f"accounts:{name}", args=[file.pk]), client_of(world.mia)
    method = client.get if name in ("import", "import_refused") else client.post
    assert method(address).status_code == 404


def test_a_file_that_is_being_taken_over_is_not_put_away(world: SimpleNamespace, client_of: ClientOf) -> None:
    file = looked_over(world.dirk, PEOPLE + "anna@example.org;A;;;;;;\n")
    start(file, world.dirk)
    client_of(world.dirk).post(reverse("accounts:import_discard", args=[file.pk]))
    assert fresh(file.pk).is_at_work()


def test_a_list_of_lines_is_read_page_after_page(
    world: SimpleNamespace, client_of: ClientOf, assert_same_queries: Callable[..., None]
) -> None:
    file = looked_over(world.dirk, PEOPLE + "anna@example.org;A;;;;;;\n")

    def add(number: int) -> None:
        with as_owner():
            values = {"email": "x", "name": "X", "agency": "ulm"}
            ImportLine.objects.bulk_create(
                ImportLine(file=file, line=line, position=line, verdict="new", values=values)
                for line in range(10 + number * 100, 40 + number * 100)
            )

    client = client_of(world.dirk)
    assert_same_queries(lambda: client.get(reverse("accounts:import", args=[file.pk])), add)
    page = client.get(reverse("accounts:import", args=[file.pk])).content.decode()
    (after,) = re.findall(r"nach=(\d+)", page)
    assert int(after) == 128 and page.count('<li class="stack stack-s">') == 50
    assert "130" in client.get(reverse("accounts:import", args=[file.pk]) + f"?nach={after}").content.decode()
    assert_same_queries(lambda: client.get(reverse("accounts:imports")), lambda _n: looked_over(world.dirk, PEOPLE + "x@example.org;X;ulm;;;;;\n"))  # fmt: skip


# ── the walls ──────────────────────────────────────────────────────────────


def test_the_database_shows_a_file_to_its_maker_alone(world: SimpleNamespace) -> None:
    looked_over(world.dirk, PEOPLE + "anna@example.org;A;;;;;;\n")
    for user, sees in ((world.dirk, 1), (world.carla, 0), (world.anna, 0)):
        with rls.acting_as(user.pk):
            assert (ImportFile.objects.count(), ImportLine.objects.count()) == (sees, sees)
    with as_owner():
        RoleGrant.objects.filter(user=world.dirk).delete()
    with rls.acting_as(world.dirk.pk):
        assert (ImportFile.objects.count(), ImportLine.objects.count()) == (0, 0)


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM accounts_importline",
        "SELECT * FROM accounts_importfile",
        "UPDATE accounts_user SET name = 'x'",
        "INSERT INTO accounts_agency (code) VALUES ('x')",
        "SELECT import_account(l, 1) FROM accounts_importline l",
        "INSERT INTO engagements_companionprofile (user_id, about, formats, languages, in_training, teaches, is_paused)"
        " VALUES (1, '', '{}', '{}', true, false, false)",
    ],
)
def test_the_worker_reads_no_file_and_writes_nothing_but_what_it_says(world: SimpleNamespace, statement: str) -> None:
    looked_over(world.dirk, PEOPLE + "anna@example.org;A;;;;;;\n")

    def ask() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)

    with pytest.raises(ProgrammingError):
        as_worker(ask)


def test_the_web_takes_nothing_over_by_itself(world: SimpleNamespace) -> None:
    file = looked_over(world.dirk, PEOPLE + "anna@example.org;A;;;;;;\n")
    for statement in (
        "SELECT import_batch(%s, '{a}', 9)",
        "UPDATE accounts_importline SET verdict = 'new' WHERE file_id = %s",
    ):
        with pytest.raises(ProgrammingError), rls.acting_as(world.dirk.pk), connection.cursor() as cursor:
            cursor.execute(statement, [file.pk])


@pytest.mark.parametrize(("days", "stays"), [(29, True), (31, False)])
def test_a_file_is_erased_after_thirty_days(world: SimpleNamespace, days: int, *, stays: bool) -> None:
    looked_over(world.dirk, PEOPLE + "anna@example.org;A;;;;;;\n")
    with as_owner():
        ImportFile.objects.update(changed_at=clock.now() - timedelta(days=days))
    run_as_worker()
    with as_owner():
        assert (ImportFile.objects.exists(), ImportLine.objects.exists()) == (stays, stays)
