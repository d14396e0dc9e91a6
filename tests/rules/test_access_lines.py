"""Every view says who may open it, and a stranger without a session gets nowhere."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

# allauth's own pages guard themselves; each is named, so that a new one of a later version is looked at first.
ALLAUTH = {
    "account_login", "account_logout", "account_inactive", "account_signup", "account_reauthenticate",
    "account_change_password", "account_set_password", "account_email", "account_email_verification_sent",
    "account_confirm_email", "account_reset_password", "account_reset_password_done",
    "account_reset_password_from_key", "account_reset_password_from_key_done", "account_confirm_login_code",
    "account_request_login_code", "account_phone_change", "account_verify_phone",
    "mfa_index", "mfa_authenticate", "mfa_reauthenticate", "mfa_activate_totp", "mfa_deactivate_totp",
    "mfa_view_recovery_codes", "mfa_generate_recovery_codes", "mfa_download_recovery_codes", "mfa_list_webauthn",
    "mfa_add_webauthn", "mfa_reauthenticate_webauthn", "mfa_remove_webauthn", "mfa_edit_webauthn", "mfa_login_webauthn",
}  # fmt: skip
SAMPLES = {"uuid": "00000000-0000-7000-8000-000000000000", "int": "1", "str": "x", "slug": "x", "path": "x"}


def routes(resolver: URLResolver | None = None, prefix: str = "") -> Iterator[tuple[str, str, Any]]:
    """(name, address with sample values, view) of every route."""
    for pattern in (resolver or get_resolver()).url_patterns:
        address = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from routes(pattern, address)
        elif isinstance(pattern, URLPattern):
            for kind, sample in SAMPLES.items():
                while f"<{kind}:" in address:
                    start = address.index(f"<{kind}:")
                    address = address[:start] + sample + address[address.index(">", start) + 1 :]
            yield pattern.name or "", "/" + address, pattern.callback


OWN = [route for route in routes() if route[0] not in ALLAUTH]


@pytest.mark.parametrize(("name", "address", "view"), OWN, ids=[name for name, _a, _v in OWN])
def test_the_view_has_an_access_line(name: str, address: str, view: Any) -> None:
    assert getattr(view, "access", "") != "", f"{name} ({view.__module__}) says nothing about who may open it"


GUARDED = [(name, address) for name, address, view in OWN if getattr(view, "access", "") != "public"]


@pytest.mark.django_db
@pytest.mark.parametrize(("name", "address"), GUARDED, ids=[name for name, _a in GUARDED])
@pytest.mark.parametrize("method", ["get", "post"])
def test_nobody_gets_in_without_signing_in(name: str, address: str, method: str) -> None:
    response = getattr(Client(), method)(address)
    assert response.status_code in (302, 405), name
    if response.status_code == 302:
        assert response["Location"].startswith("/accounts/login/")


def test_allauths_pages_are_the_ones_we_looked_at() -> None:
    from allauth.account import urls
    from allauth.mfa import urls as second_factor

    names = {pattern.name for pattern in urls.urlpatterns}
    names |= {name for name, _address, _view in routes(SimpleNamespace(url_patterns=second_factor.urlpatterns))}
    assert names <= ALLAUTH


@pytest.mark.django_db
@pytest.mark.parametrize("name", sorted(ALLAUTH))
def test_allauths_pages_show_a_stranger_nothing_of_anybody(name: str) -> None:
    for found, address, _view in routes():
        if found == name:
            assert Client().get(address).status_code in (200, 302, 404, 405), address
