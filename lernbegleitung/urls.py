"""The site map: one include per room of the house."""

from django.apps import apps
from django.urls import URLPattern, URLResolver, include, path

from accounts.views.health import health, mail_health, metrics
from accounts.views.profile import language

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("conversations.urls")),  # where people are most: addresses are tried one after the other
    path("", include("engagements.urls")),
    path("", include("accounts.urls")),
    path("", include("lernbegleitung.page_urls")),
    path("accounts/", include("allauth.account.urls")),
    path("accounts/2fa/", include("allauth.mfa.urls")),
    path("sprache/", language, name="set_language"),
    path("healthz", health, name="health"),
    path("healthz/mail", mail_health, name="mail_health"),
    path("metrics", metrics, name="metrics"),
]
if apps.is_installed("demo"):
    urlpatterns.append(path("demo/", include("demo.urls")))

handler400 = "lernbegleitung.pages.bad_request"
handler403 = "lernbegleitung.pages.forbidden"
handler404 = "lernbegleitung.pages.not_found"
handler500 = "lernbegleitung.pages.server_error"
