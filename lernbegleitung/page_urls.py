"""Addresses of the public pages."""

from django.urls import path

from . import pages

app_name = "pages"
urlpatterns = [
    path("", pages.start, name="start"),
    path("wer-sieht-was/", pages.transparency, name="transparency"),
    path("barrierefreiheit/", pages.accessibility, name="accessibility"),
    path("datenschutz/", pages.privacy, name="privacy"),
    path("impressum/", pages.imprint, name="imprint"),
    path("leichte-sprache/", pages.easy_language, name="easy_language"),
    path("gebaerdensprache/", pages.sign_language, name="sign_language"),
]
