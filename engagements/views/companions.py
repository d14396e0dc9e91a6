"""Lernbegleitende: the directory for learners, the pool for coordinators, one's own profile, and exclusions."""

from __future__ import annotations

from allauth.core import ratelimit
from django.contrib import messages
from django.db import connection
from django.db.models import Func, Q, QuerySet, TextField, Value
from django.db.models.lookups import IContains
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import audit
from accounts.access import SignedRequest, confirmed, needs, number_in, posted, signed_in
from accounts.features import Feature, is_on, with_feature
from accounts.models import Agency, User
from accounts.roles import Role
from engagements.actions import companions as actions
from engagements.candidates import rules_by_companion
from engagements.companion_forms import FORMATS, ExclusionForm, OwnProfileForm
from engagements.companions import CompanionLoad, CompanionProfile, ConflictDeclaration, Format, Occasion, Setting, Veto
from engagements.engagement import Engagement
from engagements.pool_export import HEADINGS, rows_of
from engagements.queue import short
from engagements.states import State
from lernbegleitung import clock
from lernbegleitung.spreadsheets import CSV, XLSX, attached, csv_of, xlsx_of

PAGE = 24
FILTERS = ("q", "anlass", "sprache", "treffen", "region", "ort", "einrichtung", "frei")


def found_by(sent: QueryDict) -> tuple[QuerySet[CompanionProfile], dict[str, str]]:
    """The companions that the filters leave, and the filters that are set."""
    filters = {name: short(sent.get(name, "")) for name in FILTERS}
    rows = (
        CompanionProfile.objects.select_related("user__agency")
        .prefetch_related("occasions")
        .filter(user__is_active=True)
    )
    if filters["q"]:
        rows = rows.filter(Q(user__name__icontains=filters["q"]) | Q(user__agency__name__icontains=filters["q"]))
    if filters["anlass"]:
        rows = rows.filter(occasions__code=filters["anlass"])
    if filters["sprache"]:
        rows = rows.filter(languages__contains=[filters["sprache"]])
    if filters["treffen"]:
        rows = rows.filter(formats__contains=[filters["treffen"]])
    if filters["region"] and (region := Agency.objects.by_code(filters["region"])):
        rows = rows.filter(user__agency__path__startswith=region.path)
    if filters["ort"]:
        rows = rows.filter(meets_in(filters["ort"]))
    if filters["einrichtung"]:
        rows = rows.filter(settings__contains=[filters["einrichtung"]])
    if filters["frei"]:
        rows = rows.filter(pk__in=with_free_place())
    return rows, filters


def listed(request: SignedRequest) -> tuple[list[CompanionProfile], dict[str, object]]:
    """One page of companions by name, as the filters leave them."""
    rows, filters = found_by(request.GET)
    name, _sep, pk = request.GET.get("nach", "").replace("\x00", "")[:200].rpartition("~")
    if after := number_in(pk):
        rows = rows.filter(Q(user__name__gt=name) | Q(user__name=name, pk__gt=after))
    page = list(rows.order_by("user__name", "pk")[: PAGE + 1])
    last = page[PAGE - 1] if len(page) > PAGE else None
    context: dict[str, object] = {
        "filters": filters,
        "filtered": any(filters.values()),
        "occasions": [(occasion.code, str(occasion)) for occasion in Occasion.objects.filter(is_active=True)],
        "formats": FORMATS,
        "settings": Setting.choices,
        "query": urlencode({name: value for name, value in filters.items() if value}),
        "languages": User.Language.choices,
        "regions": Agency.objects.open().filter(kind=Agency.Kind.REGION).order_by("name").values_list("code", "name"),
        "more": f"{last.user.name}~{last.pk}" if last else None,
    }
    return page[:PAGE], context


def meets_in(town: str) -> Q:
    """Meets on site in a town like this; without places of their own, in the town of the agency."""
    stored = Func("places", Value(" | "), function="array_to_string", output_field=TextField())
    there = IContains(stored, town) | Q(places=[], user__agency__city__icontains=town)
    return Q(formats__contains=[Format.ON_SITE]) & there


def with_free_place(people: list[int] | None = None) -> set[int]:
    """Who of these companions, or of all, could take somebody now; how full they are stays unsaid."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT companions_with_free_place(%s)", [people])
        return {row[0] for row in cursor.fetchall()}


def own_draft(request: SignedRequest) -> Engagement | None:
    """The person's own draft, when they are choosing for it."""
    if "engagement" not in request.GET:
        return None
    return Engagement.objects.of_learner(request.user).filter(state=State.DRAFT).first()


@signed_in
@require_safe
@with_feature(Feature.DIRECT_CHOICE)
def directory(request: SignedRequest) -> HttpResponse:
    """Companions as cards; with an own draft at hand, those who are possible can be asked."""
    profiles, context = listed(request)
    draft, free = own_draft(request), with_free_place([profile.pk for profile in profiles])
    rules = rules_by_companion(draft.pk, [profile.pk for profile in profiles]) if draft else {}
    cards = [
        {
            "profile": profile,
            "free": profile.pk in free,
            "possible": bool(draft) and rules.get(profile.pk, (("?",), ()))[0] == (),
        }
        for profile in profiles
        if profile.pk != request.user.pk
    ]
    context |= {"cards": cards, "draft": draft, "on_page": bool(profiles)}
    return render(request, "engagements/directory.html", context)


@signed_in
@require_safe
def detail(request: SignedRequest, pk: int) -> HttpResponse:
    """One companion, as everybody signed in may know them."""
    profile = get_object_or_404(CompanionProfile.objects.select_related("user__agency"), pk=pk)
    draft = own_draft(request) or Engagement.objects.of_learner(request.user).filter(state=State.DRAFT).first()
    may_browse = is_on(Feature.DIRECT_CHOICE, request.user.agency)
    possible = may_browse and draft is not None and rules_by_companion(draft.pk, [pk]).get(pk, (("?",), ()))[0] == ()
    context = {
        "profile": profile,
        "free": pk in with_free_place([pk]),
        "draft": draft,
        "possible": possible,
        "may_browse": may_browse,
    }
    return render(request, "engagements/companion.html", context)


@needs(Role.COORDINATOR)
@require_safe
def pool(request: SignedRequest) -> HttpResponse:
    """Companions of all agencies with their places."""
    profiles, context = listed(request)
    loads = CompanionLoad.objects.in_bulk([profile.pk for profile in profiles])
    today = clock.today()
    rows = [
        (profile, loads.get(profile.pk), profile.is_qualified(today), profile.user.works_on(today))
        for profile in profiles
    ]
    return render(request, "engagements/pool.html", {**context, "rows": rows})


@needs(Role.COORDINATOR)
@require_POST
@confirmed
def pool_export(request: SignedRequest) -> HttpResponse:
    """The pool as a file, as the filters leave it. They are sent along: what is asked for again has no query."""
    if not ratelimit.consume(request, action="export", user=request.user):
        return ratelimit.respond_429(request)
    profiles, _filters = found_by(request.POST)
    headings, rows = [str(heading) for heading in HEADINGS], rows_of(profiles)
    audit.write("pool.exported", by=request.user.pk)
    if request.POST.get("als") == "xlsx":
        body = xlsx_of(_("Lernbegleitende"), headings, rows, day_format=_("dd.mm.yyyy"))
        return attached(body, f"lernbegleitende-{clock.today()}.xlsx", XLSX)
    return attached(csv_of(headings, rows), f"lernbegleitende-{clock.today()}.csv", CSV)


@needs(Role.COMPANION)
@require_http_methods(["GET", "HEAD", "POST"])
def own_profile(request: SignedRequest) -> HttpResponse:
    """What I offer, how many places I have, when I am away."""
    profile = get_object_or_404(CompanionProfile.objects.select_related("user__agency"), pk=request.user.pk)
    load = get_object_or_404(CompanionLoad, pk=request.user.pk)
    initial = OwnProfileForm.initial_of(profile, load.capacity)
    form = OwnProfileForm(posted(request), leaves=profile.leaves_on is not None, initial=initial)
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        absence = {"absent_from": values["absent_from"], "absent_until": values["absent_until"]}
        actions.change_profile(
            profile=profile, values=values, capacity=values["capacity"], absence=absence, by=request.user
        )
        messages.success(request, _("Ihr Profil ist gespeichert."))
        return redirect("engagements:own_profile")
    context = {"form": form, "profile": profile, "load": load}
    return render(request, "engagements/own_profile.html", context, status=422 if form.errors else 200)


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def exclusions(request: SignedRequest) -> HttpResponse:
    """Declared role conflicts, and the silent no."""
    silent = request.POST.get("kind") == "veto"
    form = ExclusionForm(
        request.POST if request.method == "POST" else None, silent=silent, prefix="veto" if silent else "rule"
    )
    if request.method == "POST" and form.is_valid():
        with connection.cursor() as cursor:
            cursor.execute("SELECT person_with_address(%s)", [form.cleaned_data["email"]])
            (found,) = cursor.fetchone() or (None,)
        if found and found != request.user.pk:
            actions.exclude(other=User(pk=found), rule="veto" if silent else form.cleaned_data["rule"], by=request.user)
            messages.success(request, _("Gespeichert. Der Ausschluss gilt ab jetzt."))
            return redirect("engagements:exclusions")
        form.add_error(
            "email", _("Zu dieser Adresse gibt es hier kein anderes Konto. Ein Ausschluss ist dann nicht nötig.")
        )
    names = {
        person.pk: person
        for person in User.objects.filter(
            Q(pk__in=Veto.objects.filter(owner=request.user).values("other"))
            | Q(pk__in=ConflictDeclaration.objects.filter(declared_by=request.user).values("other"))
        )
    }
    context = {
        "rule_form": ExclusionForm(prefix="rule") if silent or request.method == "GET" else form,
        "veto_form": form if silent else ExclusionForm(silent=True, prefix="veto"),
        "conflicts": [
            (c, names.get(c.other_id))
            for c in ConflictDeclaration.objects.filter(declared_by=request.user).order_by("pk")
        ],
        "vetoes": [(v, names.get(v.other_id)) for v in Veto.objects.filter(owner=request.user).order_by("pk")],
    }
    return render(request, "engagements/exclusions.html", context, status=422 if form.errors else 200)


@signed_in
@require_POST
def remove_exclusion(request: SignedRequest) -> HttpResponse:
    """Take an own declaration or an own silent no back."""
    number = request.POST.get("pk", "")
    model = Veto if request.POST.get("kind") == "veto" else ConflictDeclaration
    owner = {"owner": request.user} if model is Veto else {"declared_by": request.user}
    get_object_or_404(model, pk=number_in(number), **owner).delete()
    messages.success(request, _("Der Ausschluss ist aufgehoben."))
    return redirect("engagements:exclusions")
