"""Addresses that exist only in the demo."""

from django.urls import path

from . import mails

app_name = "demo"
urlpatterns = [
    path("mails/", mails.index, name="mails"),
    path("mails/<slug:name>/", mails.detail, name="mail"),
]
