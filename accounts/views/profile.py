"""The person's own settings, and the language of the page."""

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import SignedRequest, posted, public, signed_in
from accounts.forms import ProfileForm
from accounts.people import User
from accounts.roles import Role, grants_of, has_role


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def profile(request: SignedRequest) -> HttpResponse:
    """Name, job, team, language; the roles are shown, not changed here."""
    form = ProfileForm(posted(request), instance=User.objects.get(pk=request.user.pk))
    if request.method == "POST" and form.is_valid():
        person = form.save()
        with translation.override(person.language):
            messages.success(request, _("Ihre Angaben sind gespeichert."))
        return redirect("accounts:profile")
    may_set_video = any(has_role(request.user, role) for role in (Role.ADMINISTRATOR, Role.COORDINATOR))
    context = {"form": form, "grants": grants_of(request.user), "may_set_video": may_set_video}
    return render(request, "accounts/profile.html", context, status=422 if form.errors else 200)


@public
@require_POST
def language(request: HttpRequest) -> HttpResponse:
    """Speak the chosen language from now on: in this browser, and for a person signed in, in mails too."""
    chosen = request.POST.get("language", "")
    target = request.POST.get("next") or request.headers.get("Referer") or "/"
    if not url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure()):
        target = "/"
    response: HttpResponse = HttpResponseRedirect(target)  # an address, never the name of a view
    if chosen in dict(settings.LANGUAGES):
        if isinstance(request.user, User):
            User.objects.filter(pk=request.user.pk).update(language=chosen)
        response.set_cookie(
            settings.LANGUAGE_COOKIE_NAME,
            chosen,
            max_age=31_536_000,
            secure=settings.SECURE,
            httponly=True,
            samesite="Lax",
        )
    return response
