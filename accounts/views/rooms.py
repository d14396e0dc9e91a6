"""Video services of agencies: for those who administer, and for those who coordinate, their own agencies."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts import audit
from accounts.access import SignedRequest, needs, posted
from accounts.people import Agency, User
from accounts.roles import Role, covers, has_role
from accounts.room_forms import VideoServiceForm
from accounts.rooms import VideoService
from lernbegleitung import clock


def may_set(user: User, agency: Agency) -> bool:
    """Administrators everywhere, coordinators for their agencies."""
    return has_role(user, Role.ADMINISTRATOR) or covers(user, Role.COORDINATOR, agency)


@needs(Role.ADMINISTRATOR, Role.COORDINATOR)
@require_safe
def index(request: SignedRequest) -> HttpResponse:
    """The agencies one may set it for, each with its own service or the one that holds from above."""
    services, holding, rows = VideoService.objects.in_bulk(), {}, []
    for agency in Agency.objects.open().in_tree_order():
        holding[agency.pk] = services.get(agency.pk) or holding.get(agency.parent_id or 0)
        if may_set(request.user, agency):
            rows.append((agency, agency.path.count("/") - 2, services.get(agency.pk), holding[agency.pk]))
    return render(request, "accounts/video_services.html", {"rows": rows})


@needs(Role.ADMINISTRATOR, Role.COORDINATOR)
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: SignedRequest, pk: int) -> HttpResponse:
    """The service of one agency."""
    agency = get_object_or_404(Agency.objects.open(), pk=pk)
    if not may_set(request.user, agency):
        raise Http404
    service = VideoService.objects.filter(agency=agency).first()
    form = VideoServiceForm(posted(request), instance=service or VideoService(agency=agency))
    if request.method == "POST" and form.is_valid():
        _keep(form, agency)
        audit.write("agency.video_service", by=request.user.pk)
        messages.success(request, _("Gespeichert. Es gilt für Termine, die ab jetzt vereinbart werden."))
        return redirect("accounts:video_services")
    context = {"form": form, "agency": agency}
    return render(request, "accounts/video_service.html", context, status=422 if form.errors else 200)


def _keep(form: VideoServiceForm, agency: Agency) -> None:
    values = form.cleaned_data
    if values["base"]:
        VideoService.objects.update_or_create(agency=agency, defaults={**values, "changed_at": clock.now()})
    else:
        VideoService.objects.filter(agency=agency).delete()
