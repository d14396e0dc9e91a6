"""Inviting people, and the door by which they come in."""

from allauth.core import ratelimit
from django.contrib import messages
from django.contrib.auth import login
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import SignedRequest, needs, number_in, posted, public
from accounts.actions import invitations as actions
from accounts.forms import AcceptForm, InvitationForm
from accounts.people import Agency, Invitation, User
from accounts.roles import Role, agencies_of, has_role
from lernbegleitung import clock

PAGE = 50


def reachable_agencies(user: User) -> QuerySet[Agency]:
    """The agencies for which this person invites, in the order of the tree."""
    tree = Agency.objects.open().in_tree_order()
    if has_role(user, Role.ADMINISTRATOR):
        return tree
    found = Agency.objects.none()
    for agency in agencies_of(user, Role.COORDINATOR):
        found = found | Agency.objects.open().below(agency)
    return found.order_by("path")


@needs(Role.ADMINISTRATOR, Role.COORDINATOR)
@require_safe
def index(request: SignedRequest) -> HttpResponse:
    """Open invitations of the own agencies, the newest first."""
    agencies = reachable_agencies(request.user)
    rows = Invitation.objects.filter(
        agency__in=agencies.order_by(), accepted_at=None, withdrawn_at=None, expires_at__gt=clock.now()
    )
    rows = rows.select_related("agency").order_by("-pk")
    if before := number_in(request.GET.get("vor", "")):
        rows = rows.filter(pk__lt=before)
    page = list(rows[: PAGE + 1])
    more = page[PAGE - 1].pk if len(page) > PAGE else None
    return render(request, "accounts/invitations.html", {"invitations": page[:PAGE], "more": more})


@needs(Role.ADMINISTRATOR, Role.COORDINATOR)
@require_http_methods(["GET", "HEAD", "POST"])
def invite(request: SignedRequest) -> HttpResponse:
    """Invite one person by e-mail."""
    roles = list(Role.values) if has_role(request.user, Role.ADMINISTRATOR) else [Role.COMPANION.value]
    form = InvitationForm(posted(request), agencies=reachable_agencies(request.user), roles=roles)
    if request.method == "POST" and not ratelimit.consume(request, action="invite", user=request.user):
        return ratelimit.respond_429(request)
    if request.method == "POST" and form.is_valid():
        try:
            actions.invite(by=request.user, **form.cleaned_data)
        except actions.AlreadyHere:
            form.add_error("email", _("Diese Adresse hat schon ein Konto oder eine offene Einladung."))
        else:
            messages.success(request, _("Die Einladung ist unterwegs. Der Link gilt sieben Tage."))
            return redirect("accounts:invitations")
    return render(request, "accounts/invite.html", {"form": form}, status=422 if form.errors else 200)


@needs(Role.ADMINISTRATOR, Role.COORDINATOR)
@require_POST
def withdraw(request: SignedRequest, pk: int) -> HttpResponse:
    """Make an invitation useless."""
    mine = Invitation.objects.filter(agency__in=reachable_agencies(request.user).order_by())
    actions.withdraw(invitation=get_object_or_404(mine, pk=pk), by=request.user)
    messages.success(request, _("Die Einladung ist zurückgezogen."))
    return redirect("accounts:invitations")


@public
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def accept(request: HttpRequest, token: str) -> HttpResponse:
    """Look at the invitation (mail scanners do, too), then come in by POST."""
    if request.user.is_authenticated:
        messages.info(request, _("Sie sind schon angemeldet. Eine Einladung brauchen Sie nicht mehr."))
        return redirect("conversations:today")
    invitation = actions.open_invitation(token)
    if not invitation:
        return render(request, "accounts/invitation_over.html", status=410)
    initial = {"name": invitation.name, "language": invitation.language}
    form = AcceptForm(posted(request), initial=initial, email=invitation.email)
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        try:
            user = actions.accept(
                token=token, name=values["name"], password=values["password"], language=values["language"]
            )
        except actions.NotInvited:
            return render(request, "accounts/invitation_over.html", status=410)
        login(request, user, backend="accounts.backends.EmailBackend")
        messages.success(request, _("Willkommen. Ihr Konto ist angelegt."))
        return redirect("conversations:today")
    return render(
        request,
        "accounts/invitation.html",
        {"form": form, "invitation": invitation},
        status=422 if form.errors else 200,
    )
