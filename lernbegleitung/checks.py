"""Start-up checks: the application refuses to serve with a hole in a wall."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig, apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connection
from django.db.models import Model

from . import privacy, rls, vault

OWN_APPS = ("accounts", "engagements", "conversations")
BORROWED_APPS = ("account", "mfa")  # allauth's tables about people follow the same rules
# Tables that hold nothing about the work together, each with the reason. Everything else is guarded.
OPEN_TABLES = {
    "django_migrations": "which migrations ran",
    "django_content_type": "names of models",
    "auth_permission": "unused, comes with Django's accounts",
    "auth_group": "unused, comes with Django's accounts",
    "auth_group_permissions": "unused, comes with Django's accounts",
    "django_session": "random session keys with signed data; read before anybody is known",
    "django_cache": "counters of rate limits",
}

GUARD_SQL = """
SELECT c.relname, c.relrowsecurity, c.relforcerowsecurity
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') ORDER BY 1"""
POLICY_SQL = """
SELECT tablename, policyname, 'public' = ANY (roles) FROM pg_policies WHERE schemaname = 'public'"""
ROLE_SQL = """
SELECT r.rolsuper, r.rolbypassrls,
       EXISTS (SELECT FROM pg_class c WHERE c.relowner = r.oid AND c.relkind = 'r'),
       EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                WHERE n.nspname = 'public' AND c.relkind = 'r' AND has_table_privilege(r.rolname, c.oid, 'TRUNCATE'))
  FROM pg_roles r WHERE r.rolname = current_user"""
VIEW_SQL = """
SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = 'public' AND c.relkind = 'v' AND NOT coalesce('security_invoker=true' = ANY (c.reloptions), false)"""

FUNCTION_SQL = """
SELECT p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
 WHERE n.nspname = 'public' AND p.prosecdef AND p.prorettype <> 'trigger'::regtype
   AND EXISTS (SELECT FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a WHERE a.grantee = 0)
 ORDER BY 1"""


def holes_in_tables() -> list[str]:
    """A sentence for each table that is neither guarded nor known to be open, and for each policy that is not as declared."""
    with connection.cursor() as cursor:
        cursor.execute(GUARD_SQL)
        guarded = [row for row in cursor.fetchall() if row[0] not in OPEN_TABLES]
        cursor.execute(POLICY_SQL)
        policies = {(table, name): for_everybody for table, name, for_everybody in cursor.fetchall()}
        cursor.execute(VIEW_SQL)
        views = [name for (name,) in cursor.fetchall()]
        cursor.execute(FUNCTION_SQL)
        functions = [name for (name,) in cursor.fetchall()]
    declared = rls.declared_policies()
    ruled = {table for table, _name in declared}
    holes = [f"{table}: row-level security is off" for table, on, _force in guarded if not on]
    holes += [f"{table}: row-level security is not forced" for table, on, force in guarded if on and not force]
    holes += [f"{table}: no policy is declared" for table, on, _force in guarded if on and table not in ruled]
    holes += [f'{table}: the policy "{name}" is missing' for table, name in sorted(declared - policies.keys())]
    holes += [f'{table}: nobody has declared the policy "{name}"' for table, name in sorted(policies.keys() - declared)]
    holes += [f'{table}: the policy "{name}" is for every role' for (table, name), all_ in policies.items() if all_]
    holes += [f"{view}: a view without security_invoker" for view in views]
    return holes + [f"{name}(): looks past the policies, and every role may call it" for name in functions]


def faults_of_role() -> list[str]:
    """A sentence for each thing the connected role may do, but must not."""
    with connection.cursor() as cursor:
        cursor.execute(ROLE_SQL)
        superuser, bypasses, owns, truncates = cursor.fetchone() or (True, True, True, True)
    faults = {
        "is a superuser": superuser,
        "bypasses row-level security": bypasses,
        "owns tables": owns,
        "may truncate tables": truncates,
    }
    return [f"the database role {sentence}" for sentence, true in faults.items() if true]


def refuse_to_start_with_a_hole() -> None:
    """For web server and worker, before the first request or task: sentences and the end, if a wall has a hole."""
    if faults := [*holes_in_tables(), *faults_of_role()]:
        raise SystemExit("\n".join(["Lernbegleitung does not start, because a wall has a hole:", *faults]))
    if not connection.in_atomic_block:
        connection.close()
        connection.close_pool()  # children of this process open their own


@register(Tags.database)
def walls_stand(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Runs with `check --database default`, at the end of the set-up."""
    if not kwargs.get("databases") or settings.DB_ROLE == "lern_owner":
        return []
    errors: list[CheckMessage] = [Error(hole, id="lernbegleitung.E001") for hole in holes_in_tables()]
    return errors + [Error(fault, id="lernbegleitung.E002") for fault in faults_of_role()]


def own_models(labels: Sequence[str] = OWN_APPS) -> list[type[Model]]:
    """Every model of ours, or of these apps, join tables included."""
    return [m for label in labels for m in apps.get_app_config(label).get_models(include_auto_created=True)]


@register()
def every_column_has_a_rule(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Each column of each of our tables has exactly one retention rule."""
    errors: list[CheckMessage] = []
    for model in own_models(OWN_APPS + BORROWED_APPS):
        ruled, columns = (
            privacy.columns_with_rules(model),
            [str(field.column) for field in model._meta.local_concrete_fields],
        )
        wrong = [f"{c}: {ruled.count(c)} rules" for c in columns if ruled.count(c) != 1]
        wrong += [f"{c}: no such column" for c in ruled if c not in columns]
        errors += [Error(f"{model._meta.db_table}.{sentence}", id="lernbegleitung.E003") for sentence in wrong]
    return errors


@register()
def keys_are_usable(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """No key, no start; and nobody moves the clock of a server."""
    errors: list[CheckMessage] = []
    try:
        vault.Keyring(settings.MASTER_KEYS)
    except ValueError as reason:
        errors.append(Error(str(reason), id="lernbegleitung.E004"))
    if settings.CLOCK_OFFSET and not settings.DEMO:
        errors.append(
            Error("LERNBEGLEITUNG_CLOCK_OFFSET is for tests and demonstrations only", id="lernbegleitung.E005")
        )
    return errors
