"""The tree of agencies."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts import audit
from accounts.access import SignedRequest, needs, posted
from accounts.forms import AgencyForm
from accounts.people import Agency
from accounts.roles import Role


@needs(Role.ADMINISTRATOR)
@require_safe
def index(request: SignedRequest) -> HttpResponse:
    """The whole tree."""
    agencies = list(Agency.objects.in_tree_order())
    return render(request, "accounts/agencies.html", {"agencies": [(a, a.path.count("/") - 2) for a in agencies]})


@needs(Role.ADMINISTRATOR)
@require_http_methods(["GET", "HEAD", "POST"])
def create(request: SignedRequest) -> HttpResponse:
    """A new agency."""
    return _save(request, AgencyForm(posted(request)), "agency.created")


@needs(Role.ADMINISTRATOR)
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: SignedRequest, pk: int) -> HttpResponse:
    """A changed one."""
    agency = get_object_or_404(Agency, pk=pk)
    return _save(request, AgencyForm(posted(request), instance=agency), "agency.changed")


def _save(request: SignedRequest, form: AgencyForm, kind: str) -> HttpResponse:
    if request.method == "POST" and form.is_valid():
        form.save()
        audit.write(kind, by=request.user.pk)
        messages.success(request, _("Die Dienststelle ist gespeichert."))
        return redirect("accounts:agencies")
    return render(
        request,
        "accounts/agency_form.html",
        {"form": form, "agency": form.instance},
        status=422 if form.errors else 200,
    )
