"""What a file would do: each of its rows compared with what is there, as a line that says new, changed, unchanged or
refused and why. Asks the database a fixed number of times, however long the file is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email, validate_slug

from lernbegleitung import clock

from .import_columns import COLUMNS, Column, day_in, words_for
from .import_reading import Row
from .import_trees import in_tree_order
from .imports import ImportFile, ImportLine
from .people import Agency, Invitation, RoleGrant, User

Verdict = ImportLine.Verdict
Reason = list[str]
NEEDED_AGENCY = ("name", "kind", "state")
NEEDED_PERSON = ("name", "agency")


def compared(kind: str, rows: list[Row]) -> list[ImportLine]:
    """The lines of a file, in its order."""
    lines = agency_lines(rows) if kind == ImportFile.Kind.AGENCIES else person_lines(rows)
    for place, line in enumerate(lines):
        line.position = line.position or place
    return lines


# ── what every row is looked at for ────────────────────────────────────────


def cells_of(
    row: Row, columns: tuple[Column, ...], words: dict[str, dict[str, str]]
) -> tuple[dict[str, str], list[Reason]]:
    """The values of a row, with the codes for words, and what is wrong with its cells one by one."""
    values: dict[str, str] = {column.name: row.cells.get(column.name, "") for column in columns}
    reasons: list[Reason] = [["surplus", ""]] if row.surplus else []
    for column in columns:
        value = values[column.name]
        if len(value) > column.longest:
            reasons.append(["too_long", column.name])
        elif value and column.name in words:
            squashed = "".join(sign for sign in value.casefold() if sign.isalnum())
            values[column.name] = words[column.name].get(squashed, "")
            if not values[column.name]:
                reasons.append([f"{column.name}_unknown", value])
    return values, reasons


def missing(values: dict[str, str], needed: tuple[str, ...]) -> list[Reason]:
    """What somebody or something new cannot be without."""
    return [["missing", name] for name in needed if not values[name]]


def line_of(row: Row, values: dict[str, str], reasons: list[Reason]) -> ImportLine:
    """A line that is refused as it was written, or holds its values for what comes."""
    if reasons:
        return ImportLine(line=row.number, verdict=Verdict.REFUSED, values=row.cells, reasons=reasons)
    return ImportLine(line=row.number, verdict=Verdict.UNCHANGED, values=values)


def refuse(line: ImportLine, row: Row, reasons: list[Reason]) -> None:
    """Refuse a line after all."""
    line.verdict, line.values, line.reasons, line.changes = Verdict.REFUSED, row.cells, reasons, {}


def differing(old: dict[str, str], new: dict[str, str]) -> dict[str, list[str]]:
    """[before, after] of what the file says otherwise; an empty cell leaves what is there."""
    return {name: [old[name], new[name]] for name in old if new[name] and new[name] != old[name]}


def _is_valid(check: Any, value: str) -> bool:
    try:
        check(value)
    except ValidationError:
        return False
    return True


def standing(agencies: list[Agency]) -> dict[str, Agency]:
    """The agency that each code means, in small letters: itself, or the one it has gone up into (docs/decisions/0021)."""
    by_pk = {agency.pk: agency for agency in agencies}
    return {
        agency.code.lower(): next(by_pk[pk] for pk in reversed(agency.trail()) if by_pk[pk].merged_on is None)
        for agency in agencies
    }


# ── agencies ───────────────────────────────────────────────────────────────


def agency_lines(rows: list[Row]) -> list[ImportLine]:
    """Agencies by their code. New ones hang below what is there or below each other; what is there is not moved."""
    columns = COLUMNS[ImportFile.Kind.AGENCIES]
    words = {name: words_for(name) for name in ("kind", "state")}
    known = standing(list(Agency.objects.select_related("parent")))
    lines, seen, new = [], {}, {}
    for row in rows:
        values, reasons = cells_of(row, columns, words)
        code, parent = values["code"].lower(), values["parent"].lower()
        agency, above = known.get(code), known.get(parent)
        parent = above.code.lower() if above else parent
        values["code"], values["parent"] = agency.code if agency else code, parent
        if not code:
            reasons.append(["missing", "code"])
        elif code in seen:
            reasons.append(["twice", str(seen[code])])
        elif agency and agency.code.lower() != code:
            reasons.append(["merged", agency.name])
        elif agency:
            if parent and parent != (agency.parent.code.lower() if agency.parent else ""):
                reasons.append(["moved", parent])
        else:
            reasons += [] if _is_valid(validate_slug, code) else [["code_wrong", code]]
            reasons += missing(values, NEEDED_AGENCY)
            reasons += [["missing", "parent"]] if not parent and values["kind"] != Agency.Kind.CENTRE else []
        seen.setdefault(code, row.number)
        line = line_of(row, values, reasons)
        lines.append(line)
        if not agency and code:
            new.setdefault(code, (line, row))
        elif agency and not reasons:
            old = {name: getattr(agency, name) for name in ("name", "kind", "state", "city")}
            line.changes = differing(old, values)
            line.verdict = Verdict.CHANGED if line.changes else Verdict.UNCHANGED
    _hang(new, known)
    return lines


def _hang(new: dict[str, tuple[ImportLine, Row]], known: dict[str, Agency]) -> None:
    """Say of each new agency that it is new, and when it can be written; or that it hangs nowhere."""
    sound = {code: line.values["parent"] for code, (line, _row) in new.items() if line.verdict != Verdict.REFUSED}
    levels = {code: agency.path.count("/") - 1 for code, agency in known.items()}
    order, faults = in_tree_order(sound, levels, refused=new.keys() - sound.keys())
    for place, code in enumerate(order, start=1):
        line, _row = new[code]
        parent = known.get(line.values["parent"])
        line.values["parent"] = parent.code if parent else line.values["parent"]
        line.verdict, line.position = Verdict.NEW, place
    for code, reason in faults.items():
        line, row = new[code]
        refuse(line, row, [[reason, line.values["parent"]]])


# ── people ─────────────────────────────────────────────────────────────────


def person_lines(rows: list[Row]) -> list[ImportLine]:
    """People by their address: an account is changed, everybody else is invited."""
    columns = COLUMNS[ImportFile.Kind.PEOPLE]
    words = {name: words_for(name) for name in ("language", "role")}
    agencies = {code: agency.code for code, agency in standing(list(Agency.objects.all())).items()}
    looked_at, seen = [], {}
    for row in rows:
        values, reasons = cells_of(row, columns, words)
        reasons += _wrong_with(values, agencies)
        if values["email"] in seen:
            reasons.append(["twice", str(seen[values["email"]])])
        seen.setdefault(values["email"], row.number)
        looked_at.append((row, line_of(row, values, reasons)))
    sound = [(row, line) for row, line in looked_at if line.verdict != Verdict.REFUSED]
    there = There([line.values["email"] for _row, line in sound])
    for row, line in sound:
        if user := there.users.get(line.values["email"]):
            _account(line, user, there)
        elif reasons := _invitation(line, there.invitations.get(line.values["email"])):
            refuse(line, row, reasons)
    return [line for _row, line in looked_at]


def _wrong_with(values: dict[str, str], agencies: dict[str, str]) -> Iterator[Reason]:
    """What is wrong with one person's values; puts address, agency and day as they are kept."""
    if not values["email"]:
        yield ["missing", "email"]
    elif not _is_valid(validate_email, values["email"]):
        yield ["email_wrong", values["email"]]
    values["email"] = values["email"].lower()
    if values["agency"]:
        code = agencies.get(values["agency"].lower())
        if not code:
            yield ["agency_unknown", values["agency"]]
        values["agency"] = code or ""
    if values["until"]:
        day = day_in(values["until"])
        if not day:
            yield ["date_wrong", values["until"]]
        elif day < clock.today():
            yield ["date_past", values["until"]]
        elif not values["role"]:
            yield ["until_alone", ""]
        values["until"] = day.isoformat() if day else ""


class There:
    """What is known of some addresses: accounts, their roles in force, open invitations. Three questions."""

    def __init__(self, addresses: list[str]) -> None:
        self.users = {user.email: user for user in User.objects.filter(email__in=addresses).select_related("agency")}
        self.invitations = {
            invitation.email: invitation
            for invitation in Invitation.objects.filter(
                email__in=addresses, accepted_at=None, withdrawn_at=None, expires_at__gt=clock.now()
            ).select_related("agency")
        }
        self.ends: dict[tuple[int, str, str], date] = {}
        grants = RoleGrant.objects.filter(user__email__in=addresses).in_force(clock.today())
        for user_id, role, agency, ends_on in grants.values_list("user_id", "role", "agency__code", "ends_on"):
            key = (user_id, role, agency)
            self.ends[key] = max(self.ends.get(key, date.min), ends_on or date.max)


def _account(line: ImportLine, user: User, there: There) -> None:
    """Name, job, team and agency are changed; a role is given or lasts longer, and is never taken."""
    old = {"name": user.name, "job": user.job, "team": user.team, "agency": user.agency.code}
    values = line.values
    line.changes = differing(old, values)
    values["agency"] = values["agency"] or old["agency"]
    if role := values["role"]:
        ends = there.ends.get((user.pk, role, values["agency"]))
        if not ends:
            line.changes["role"] = ["", role]
            line.changes |= {"until": ["", values["until"]]} if values["until"] else {}
        elif values["until"] and ends < date.fromisoformat(values["until"]):
            line.changes["until"] = [ends.isoformat(), values["until"]]
    line.verdict = Verdict.CHANGED if line.changes else Verdict.UNCHANGED


def _invitation(line: ImportLine, invitation: Invitation | None) -> list[Reason]:
    """Nobody is let in but by an invitation; an open one that says otherwise is replaced. Answers what is missing."""
    line.invites, values = True, line.values
    if not invitation:
        values["language"] = values["language"] or User.Language.GERMAN.value
        line.verdict = Verdict.NEW
        return missing(values, NEEDED_PERSON)
    old = {name: getattr(invitation, name) for name in ("name", "job", "team", "language", "role")}
    old |= {
        "agency": invitation.agency.code,
        "until": invitation.role_until.isoformat() if invitation.role_until else "",
    }
    line.changes = differing(old, values)
    line.values |= {name: values[name] or before for name, before in old.items()}
    line.verdict = Verdict.CHANGED if line.changes else Verdict.UNCHANGED
    return []
