"""Every table has its policies, every column its retention rule, and the web's role is too weak to get around them."""

import pytest
from django.db import connection

from lernbegleitung import checks


@pytest.mark.django_db
def test_every_table_is_guarded_or_known_to_be_open() -> None:
    assert checks.holes_in_tables() == []


@pytest.mark.django_db
def test_the_web_role_owns_nothing_and_bypasses_nothing() -> None:
    assert checks.faults_of_role() == []


@pytest.mark.django_db
@pytest.mark.parametrize("role", ["lern_owner"])
def test_a_role_that_is_too_strong_is_refused(role: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")
    assert checks.faults_of_role() == [
        "the database role bypasses row-level security",
        "the database role owns tables",
        "the database role may truncate tables",
    ]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("sabotage", "hole"),
    [
        (
            "ALTER TABLE engagements_journalentry DISABLE ROW LEVEL SECURITY",
            "engagements_journalentry: row-level security is off",
        ),
        (
            "ALTER TABLE engagements_veto NO FORCE ROW LEVEL SECURITY",
            "engagements_veto: row-level security is not forced",
        ),
        (
            'DROP POLICY "engagements: own vetoes" ON engagements_veto',
            'engagements_veto: the policy "engagements: own vetoes" is missing',
        ),
        (
            "CREATE POLICY handy ON engagements_journalentry TO lern_app USING (true)",
            'engagements_journalentry: nobody has declared the policy "handy"',
        ),
        (
            'ALTER POLICY "engagements: own vetoes" ON engagements_veto TO PUBLIC',
            'engagements_veto: the policy "engagements: own vetoes" is for every role',
        ),
        ("CREATE TABLE public.forgotten (id int)", "forgotten: row-level security is off"),
        (
            "CREATE TABLE public.forgotten (id int);"
            "ALTER TABLE forgotten ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
            "forgotten: no policy is declared",
        ),
        (
            "CREATE FUNCTION leak() RETURNS bigint LANGUAGE sql SECURITY DEFINER RETURN (SELECT 1)",
            "leak(): looks past the policies, and every role may call it",
        ),
        ("CREATE VIEW leak AS SELECT * FROM engagements_engagement", "leak: a view without security_invoker"),
    ],
)
def test_a_hole_in_a_wall_is_found(sabotage: str, hole: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")
        cursor.execute("GRANT CREATE ON SCHEMA public TO lern_owner") if "CREATE" in sabotage else None
        cursor.execute(sabotage)
    assert checks.holes_in_tables() == [hole]


@pytest.mark.django_db
def test_web_server_and_worker_do_not_start_with_a_hole_or_as_the_owner() -> None:
    from celery.signals import worker_init

    from lernbegleitung.celery import look_at_the_walls

    checks.refuse_to_start_with_a_hole()
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")
    with pytest.raises(SystemExit, match="bypasses row-level security"):
        checks.refuse_to_start_with_a_hole()
    with pytest.raises(SystemExit, match="bypasses row-level security"):
        look_at_the_walls()
    assert look_at_the_walls in worker_init._live_receivers(None)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE engagements_learningstep DISABLE ROW LEVEL SECURITY")
        cursor.execute("SET ROLE lern_app")
    with pytest.raises(SystemExit, match="engagements_learningstep: row-level security is off"):
        checks.refuse_to_start_with_a_hole()


def test_every_column_has_exactly_one_retention_rule() -> None:
    assert checks.every_column_has_a_rule(None) == []


def test_every_free_text_of_the_work_together_is_sealed() -> None:
    from django.db.models import CharField, TextField

    plain = {
        f"{model.__name__}.{field.name}"
        for model in checks.own_models()
        for field in model._meta.local_concrete_fields
        if isinstance(field, CharField | TextField) and not field.choices and not field.primary_key
        if model._meta.app_label in ("engagements", "conversations")
    }
    assert plain == {
        "BenefitRating.quarter", "RatingTicket.expires", "WaitingFigure.quarter",  # "2026-Q4"; tied to nobody
        "Appointment.place", "DateProposal.place", "OfferedTime.place",  # stands in the calendar of both
        "CalendarFeed.token_hash",  # of an address that is not kept
        "Appointment.zone",  # "Europe/Berlin"
        "CompanionProfile.about",  # written to be read by everybody signed in
        "GuidingQuestion.code", "GuidingQuestion.part", "GuidingQuestion.text_de", "GuidingQuestion.text_en",
        # addressed to the method owner, to become a question for all; holds nothing of a companionship
        "QuestionProposal.text_de", "QuestionProposal.text_en",
        "SentReminder.what",  # a code of ours: step_due
        "Occasion.code", "Occasion.name_de", "Occasion.name_en",
        # offered to all; what a pair makes of it is sealed in its agreement
        "Programme.name_de", "Programme.name_en", "ProgrammeVersion.about_de", "ProgrammeVersion.about_en",
        "ProgrammeVersion.purpose_de", "ProgrammeVersion.purpose_en",
    }  # fmt: skip
