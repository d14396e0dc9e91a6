"""The tree of agencies."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts import audit
from accounts.access import SignedRequest, needs, posted
from accounts.agency_changes import coordination_of
from accounts.forms import AgencyForm
from accounts.people import Agency
from accounts.readiness import four_settings
from accounts.roles import Role

FEW = 40  # so many agencies are shown unfolded


@dataclass
class Row:
    """An agency on the page: its own coordination, or where the next one above is (None: nowhere)."""

    agency: Agency
    names: list[str]
    above: Agency | None
    trail: str

    @property
    def place(self) -> str:
        """The place, unless the name says it."""
        return "" if self.agency.city in self.agency.name else self.agency.city


@dataclass
class Group:
    """A region, or whatever hangs directly below the root, with all below it; the root is a group of its own."""

    head: Row
    rows: list[Row] = field(default_factory=list)


@needs(Role.ADMINISTRATOR)
@require_safe
def index(request: SignedRequest) -> HttpResponse:
    """The tree, folded by region; with a search, all that match by name, code or place, closed ones too."""
    agencies = {agency.pk: agency for agency in Agency.objects.order_by("name", "pk")}
    names = coordination_of(agencies.values())
    query = request.GET.get("q", "").strip()[:100].replace("\x00", "")
    rows = {agency.pk: _row(agency, agencies, names) for agency in agencies.values()}
    found = [row for row in rows.values() if query and _matches(row.agency, query)]
    closed = [row for row in rows.values() if row.agency.merged_on]
    context = {
        "query": query,
        "found": found,
        "groups": [] if query else _groups([row for row in rows.values() if not row.agency.merged_on]),
        "open": len(agencies) - len(closed) <= FEW,
        "number": len(agencies) - len(closed),
        "closed": closed,
    }
    return render(request, "accounts/agencies.html", context)


def _row(agency: Agency, agencies: dict[int, Agency], names: dict[int, list[str]]) -> Row:
    *above, own = agency.trail()
    trail = " › ".join(agencies[pk].name for pk in above)
    nearest = next((agencies[pk] for pk in reversed(above) if pk in names), None)
    return Row(agency, names.get(own, []), nearest, trail)


def _matches(agency: Agency, query: str) -> bool:
    return any(query.casefold() in text.casefold() for text in (agency.name, agency.code, agency.city))


def _groups(rows: list[Row]) -> list[Group]:
    """By name on each level: the root first, then the regions, each with its agencies in the order of the tree."""
    name_of = {row.agency.pk: row.agency.name for row in rows}
    rows.sort(key=lambda row: [(name_of.get(pk, ""), pk) for pk in row.agency.trail()])
    groups: list[Group] = []
    for row in rows:
        if row.agency.depth() <= 1:
            groups.append(Group(row))
        else:
            groups[-1].rows.append(row)
    return groups


@needs(Role.ADMINISTRATOR)
@require_http_methods(["GET", "HEAD", "POST"])
def create(request: SignedRequest) -> HttpResponse:
    """A new agency."""
    return _save(request, AgencyForm(posted(request)), "agency.created")


@needs(Role.ADMINISTRATOR)
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: SignedRequest, pk: int) -> HttpResponse:
    """A changed one. What has gone up into another one says so, and is changed no more."""
    agency = get_object_or_404(Agency.objects.select_related("parent"), pk=pk)
    if agency.merged_on:
        return render(request, "accounts/agency_closed.html", {"agency": agency, "now": agency.standing()})
    return _save(request, AgencyForm(posted(request), instance=agency), "agency.changed", agency)


def _save(request: SignedRequest, form: AgencyForm, kind: str, agency: Agency | None = None) -> HttpResponse:
    if request.method == "POST" and form.is_valid():
        form.save()
        audit.write(kind, by=request.user.pk)
        messages.success(request, _("Die Dienststelle ist gespeichert."))
        return redirect("accounts:agencies")
    return render(
        request,
        "accounts/agency_form.html",
        {"form": form, "agency": form.instance, "four_settings": four_settings(agency) if agency else []},
        status=422 if form.errors else 200,
    )
