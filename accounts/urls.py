"""Addresses of people, agencies and invitations."""

from django.urls import path

from .views import (
    agencies,
    agency_changes,
    drafts,
    invitations,
    operation,
    own_data,
    people,
    profile,
    rooms,
    security,
    transfers,
)

app_name = "accounts"
urlpatterns = [
    path("profil/", profile.profile, name="profile"),
    path("profil/sprache/", profile.language, name="language"),
    path("meine-daten/", own_data.own_data, name="own_data"),
    path("entwuerfe/sichern/", drafts.keep, name="draft_keep"),
    path("entwuerfe/<uuid:pk>/verwerfen/", drafts.discard, name="draft_discard"),
    # Before allauth's pages of the same addresses: ours says everything about signing in.
    path("accounts/2fa/", security.security, name="security"),
    path("accounts/2fa/webauthn/", security.to_security, name="passkeys"),
    path("accounts/sitzungen/beenden/", security.end, name="end_sessions"),
    path("personen/", people.index, name="people"),
    path("personen/<int:pk>/", people.detail, name="person"),
    path("personen/<int:pk>/rolle/", people.grant, name="grant"),
    path("personen/<int:pk>/rolle/beenden/", people.end_grant, name="end_grant"),
    path("personen/<int:pk>/zweiter-faktor/", people.reset_second_factor, name="reset_second_factor"),
    path("personen/<int:pk>/abmelden/", people.end_sessions, name="sign_out"),
    path("personen/<int:pk>/wechsel/", transfers.transfer, name="transfer"),
    path("personen/<int:pk>/aktiv/", people.activate, name="activate"),
    path("einladungen/", invitations.index, name="invitations"),
    path("einladungen/neu/", invitations.invite, name="invite"),
    path("einladungen/<int:pk>/zurueckziehen/", invitations.withdraw, name="withdraw_invitation"),
    path("accounts/einladung/<str:token>/", invitations.accept, name="accept_invitation"),
    path("dienststellen/", agencies.index, name="agencies"),
    path("dienststellen/neu/", agencies.create, name="agency_create"),
    path("dienststellen/<int:pk>/", agencies.edit, name="agency_edit"),
    path("dienststellen/<int:pk>/verschieben/", agency_changes.move, name="agency_move"),
    path("dienststellen/<int:pk>/zusammenlegen/", agency_changes.merge, name="agency_merge"),
    path("dienststellen/freie-tage/", operation.free_days, name="free_days"),
    path("dienststellen/freie-tage/<uuid:pk>/entfernen/", operation.remove_free_day, name="free_day_remove"),
    path("dienststellen/videoraeume/", rooms.index, name="video_services"),
    path("dienststellen/<int:pk>/videoraum/", rooms.edit, name="video_service"),
    path("betrieb/", operation.index, name="operation"),
    path("betrieb/nachrichten/<uuid:pk>/noch-einmal/", operation.retry, name="mail_retry"),
    path("betrieb/adressen/wieder/", operation.resume_address, name="address_resume"),
]
