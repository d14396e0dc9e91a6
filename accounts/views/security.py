"""Signing in and what protects it: second factors, recovery codes, password, open sessions."""

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.access import SignedRequest, confirmed, needs_second_factor, signed_in_so_far
from accounts.people import RoleGrant
from accounts.sessions import SignIn, end_sessions, hash_of, sessions_of
from lernbegleitung import clock


@signed_in_so_far
@require_safe
def security(request: SignedRequest) -> HttpResponse:
    """Everything about signing in, on one page."""
    found = list(Authenticator.objects.filter(user=request.user).order_by("created_at"))
    of_kind = {kind: [a for a in found if a.type == kind] for kind in Authenticator.Type.values}
    codes = of_kind[Authenticator.Type.RECOVERY_CODES]
    roles = set(RoleGrant.objects.filter(user=request.user).in_force(clock.today()).values_list("role", flat=True))
    context = {
        "app": next(iter(of_kind[Authenticator.Type.TOTP]), None),
        "passkeys": of_kind[Authenticator.Type.WEBAUTHN],
        "codes_left": len(codes[0].wrap().get_unused_codes()) if codes else 0,
        "has_second_factor": any(a.type != Authenticator.Type.RECOVERY_CODES for a in found),
        "needed": needs_second_factor(request.user),
        "needed_elsewhere": settings.DEMO and not settings.SECOND_FACTOR_FOR and bool(roles - {"companion"}),
        "sessions": sessions_of(request.user),
        "this_one": hash_of(request.session.session_key or ""),
    }
    return render(request, "accounts/security.html", context)


@signed_in_so_far
@require_safe
def to_security(request: SignedRequest) -> HttpResponse:
    """allauth's list of passkeys is part of our page."""
    return redirect("accounts:security")


@signed_in_so_far
@require_POST
@confirmed
def end(request: SignedRequest) -> HttpResponse:
    """End one session, or all but this one."""
    if which := request.POST.get("session"):
        try:
            end_sessions(request.user, only=SignIn.objects.get(pk=which, user=request.user).pk)
        except (SignIn.DoesNotExist, ValidationError, ValueError):
            raise Http404 from None
    else:
        end_sessions(request.user, but=request.session.session_key or "-")
    messages.success(request, _("Beendet. Dort muss man sich neu anmelden."))
    return redirect("accounts:security")
