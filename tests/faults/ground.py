"""Run as the owner: lay N people, each with a learning step for a day (and the days after), or say what became of them.

`python -m tests.faults.ground lay N DAY STEPS`, `… state`. The rows are made by the database itself, so that ten thousand take
seconds; the reminders are planned by the application's own net, as at night.
"""

from __future__ import annotations

import json
import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "lernbegleitung.settings")
django.setup()

from django.db import connection  # noqa: E402

LAY = """
INSERT INTO accounts_agency (code, name, kind, parent_id, path, state, city)
VALUES ('faults', 'Faults', 'agency', NULL, '/1/', 'BY', '') ON CONFLICT DO NOTHING;
INSERT INTO accounts_user (password, email, name, job, team, agency_id, language, time_zone, work_days, reminder_hour,
                           mail_style, is_active, joined_at)
SELECT '', 'p' || n || '@example.org', 'P' || n, '', '', (SELECT id FROM accounts_agency WHERE code = 'faults'),
       CASE WHEN n % 2 = 0 THEN 'de' ELSE 'en' END, 'Europe/Berlin', 31, 8, 'neutral', true, now()
  FROM generate_series(1, {number}) n;
INSERT INTO engagements_engagement (id, learner_id, companion_id, state, wish, format, spoken, trainee_welcome, created_at,
                                    started_at, rating_offered)
SELECT gen_random_uuid(), u.id, (SELECT min(id) FROM accounts_user WHERE id <> u.id), 'active', 'no_matter', 'any', 'de',
       false, now(), now(), false
  FROM accounts_user u WHERE u.email LIKE 'p%@example.org';
INSERT INTO engagements_learningstep (id, engagement_id, what_sealed, where_sealed, cue_sealed, action_sealed, obstacle_sealed,
                                      help_sealed, due_on, remind, state, created_at, version)
SELECT gen_random_uuid(), e.id, '', '', '', '', '', '', '{day}'::date + n, true, 'open', now(), 1
  FROM engagements_engagement e, generate_series(0, {steps} - 1) n;
ANALYZE;
"""


def lay(number: int, day: str, steps: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE engagements_engagement DISABLE TRIGGER USER")
        for statement in filter(str.strip, LAY.format(number=number, day=day, steps=steps).split(";\n")):
            cursor.execute(statement)
        cursor.execute("ALTER TABLE engagements_engagement ENABLE TRIGGER USER")


def state() -> dict[str, int]:
    """How the outbox and what was told stand."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FILTER (WHERE sent_at IS NOT NULL), count(*) FILTER (WHERE failed_at IS NOT NULL),"
            " count(*) FILTER (WHERE dropped_at IS NOT NULL), count(*) FILTER (WHERE sent_at IS NULL AND failed_at IS NULL"
            " AND dropped_at IS NULL AND due_at <= app_now()) FROM accounts_outgoingmail"
        )
        names = ("sent", "failed", "dropped", "waiting")
        found = dict(zip(names, cursor.fetchone() or (0, 0, 0, 0), strict=True))
        cursor.execute(
            "SELECT count(*), count(DISTINCT owner_id) FROM engagements_sentreminder WHERE what = 'step_due'"
        )
        found["told"], found["people_told"] = cursor.fetchone() or (0, 0)
    return found


if sys.argv[1] == "lay":
    lay(int(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
print(json.dumps(state()))
