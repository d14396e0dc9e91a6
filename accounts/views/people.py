"""People and their roles, for the administration. Who is accompanied is nowhere on these pages."""

from django.contrib import messages
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.access import SignedRequest, confirmed, needs, number_in
from accounts.actions import people as actions
from accounts.forms import GrantForm
from accounts.people import Agency, RoleGrant, User
from accounts.roles import Role
from lernbegleitung import clock

PAGE = 50


@needs(Role.ADMINISTRATOR)
@require_safe
def index(request: SignedRequest) -> HttpResponse:
    """People by name, found by name or address and by agency; page after page."""
    people = User.objects.select_related("agency").order_by("name", "pk")
    if query := request.GET.get("q", "").strip()[:100].replace("\x00", ""):
        people = people.filter(Q(name__icontains=query) | Q(email__icontains=query))
    agency = Agency.objects.by_code(request.GET.get("dienststelle", ""))
    if agency:
        people = people.filter(agency__in=Agency.objects.below(agency))
    if after := request.GET.get("nach", "").replace("\x00", ""):
        name, _sep, pk = after.rpartition("~")
        if last := number_in(pk):
            people = people.filter(Q(name__gt=name) | Q(name=name, pk__gt=last))
    page = list(people[: PAGE + 1])
    grants: dict[int, list[RoleGrant]] = {}
    for grant in RoleGrant.objects.filter(user__in=page[:PAGE]).in_force(clock.today()):
        grants.setdefault(grant.user_id, []).append(grant)
    context = {
        "people": [(person, grants.get(person.pk, [])) for person in page[:PAGE]],
        "agencies": Agency.objects.open().in_tree_order(),
        "agency": agency,
        "query": query,
        "more": f"{page[PAGE - 1].name}~{page[PAGE - 1].pk}" if len(page) > PAGE else None,
    }
    return render(request, "accounts/people.html", context)


@needs(Role.ADMINISTRATOR)
@require_safe
def detail(request: SignedRequest, pk: int) -> HttpResponse:
    """One person: account and roles, in force and past."""
    person = get_object_or_404(User.objects.select_related("agency"), pk=pk)
    return render(
        request, "accounts/person.html", _person_context(person, GrantForm(initial={"agency": person.agency_id}))
    )


@needs(Role.ADMINISTRATOR)
@require_POST
@confirmed
def grant(request: SignedRequest, pk: int) -> HttpResponse:
    """Give a role."""
    person = get_object_or_404(User.objects.select_related("agency"), pk=pk)
    form = GrantForm(request.POST)
    if not form.is_valid():
        return render(request, "accounts/person.html", _person_context(person, form), status=422)
    actions.grant_role(user=person, by=request.user, **form.cleaned_data)
    messages.success(request, _("Die Rolle gilt ab heute."))
    return redirect("accounts:person", pk)


@needs(Role.ADMINISTRATOR)
@require_POST
@confirmed
def end_grant(request: SignedRequest, pk: int) -> HttpResponse:
    """End a role; the own administration cannot be ended by oneself, so that somebody is always left."""
    number = request.POST.get("grant", "")
    grant = get_object_or_404(RoleGrant, user_id=pk, pk=number_in(number))
    if grant.user_id == request.user.pk and grant.role == Role.ADMINISTRATOR:
        messages.warning(request, _("Die eigene Administration kann nur eine andere Person beenden."))
    else:
        actions.end_role(grant=grant, by=request.user)
        messages.success(request, _("Die Rolle ist beendet."))
    return redirect("accounts:person", pk)


@needs(Role.ADMINISTRATOR)
@require_POST
@confirmed
def reset_second_factor(request: SignedRequest, pk: int) -> HttpResponse:
    """For somebody who has lost telephone and recovery codes."""
    person = get_object_or_404(User, pk=pk)
    if person.pk == request.user.pk:
        messages.warning(request, _("Den eigenen zweiten Faktor ändern Sie unter „Anmeldung und Sicherheit“."))
    elif actions.reset_second_factor(user=person, by=request.user):
        messages.success(request, _("Der zweite Faktor ist weggenommen. Die Person hat eine Nachricht bekommen."))
    return redirect("accounts:person", pk)


@needs(Role.ADMINISTRATOR)
@require_POST
@confirmed
def end_sessions(request: SignedRequest, pk: int) -> HttpResponse:
    """Sign somebody out everywhere, for example after a device was lost. Where and since when is not shown."""
    person = get_object_or_404(User, pk=pk)
    actions.sign_out(user=person, by=request.user)
    messages.success(request, _("Die Person ist überall abgemeldet."))
    return redirect("accounts:person", pk)


@needs(Role.ADMINISTRATOR)
@require_POST
@confirmed
def activate(request: SignedRequest, pk: int) -> HttpResponse:
    """Switch an account off or on."""
    person = get_object_or_404(User, pk=pk)
    if person.pk == request.user.pk:
        messages.warning(request, _("Das eigene Konto kann nur eine andere Person abschalten."))
    else:
        actions.set_active(user=person, active=request.POST.get("active") == "1", by=request.user)
        messages.success(request, _("Das Konto ist geändert."))
    return redirect("accounts:person", pk)


def _person_context(person: User, form: GrantForm) -> dict[str, object]:
    today = clock.today()
    grants = list(RoleGrant.objects.filter(user=person).select_related("agency").order_by("-starts_on", "-pk"))
    current = [g for g in grants if g.starts_on <= today and (not g.ends_on or g.ends_on >= today)]
    accompanies = any(grant.role == Role.COMPANION for grant in current)
    return {
        "person": person,
        "current": current,
        "accompanies": accompanies,
        "past": [g for g in grants if g not in current],
        "form": form,
    } | {"has_second_factor": actions.has_second_factor(person)}
