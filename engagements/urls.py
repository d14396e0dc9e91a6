"""Addresses of the work together."""

from django.urls import path

from .views import agreement, assignment, companions, concern, goals, insights, journal, lifecycle, reminders, steps

app_name = "engagements"
urlpatterns = [
    # A wish becomes a request.
    path("anfragen/", concern.begin, name="begin"),
    path("begleitungen/<uuid:pk>/anliegen/", concern.concern, name="concern"),
    path("begleitungen/<uuid:pk>/warum/", concern.why, name="why"),
    path("begleitungen/<uuid:pk>/wunsch/", concern.wishes, name="wishes"),
    path("begleitungen/<uuid:pk>/verwerfen/", concern.discard, name="discard"),
    # Proposals, choice, answer.
    path("begleitungen/<uuid:pk>/vorschlaege/", lifecycle.proposals, name="proposals"),
    path("begleitungen/<uuid:pk>/waehlen/<int:companion_id>/", lifecycle.choose, name="choose"),
    path("begleitungen/<uuid:pk>/andere-vorschlaege/", lifecycle.ask_for_others, name="ask_for_others"),
    path("begleitungen/<uuid:pk>/antwort/", lifecycle.answer, name="answer"),
    path("begleitungen/<uuid:pk>/passt-nicht/", lifecycle.not_a_fit, name="not_a_fit"),
    path("begleitungen/<uuid:pk>/zurueckziehen/", lifecycle.withdraw, name="withdraw"),
    path("begleitungen/<uuid:pk>/pause/", lifecycle.pause, name="pause"),
    path("begleitungen/<uuid:pk>/fortsetzen/", lifecycle.resume, name="resume"),
    path("begleitungen/<uuid:pk>/wechseln/", lifecycle.change_companion, name="change_companion"),
    path("begleitungen/<uuid:pk>/abschliessen/", lifecycle.close, name="close"),
    path("begleitungen/<uuid:pk>/rueckgaengig/", lifecycle.undo, name="undo"),
    path("begleitungen/<uuid:pk>/vereinbarung/", agreement.agreement, name="agreement"),
    path("begleitungen/<uuid:pk>/vereinbarung/annehmen/", agreement.accept, name="agreement_accept"),
    path("begleitungen/", lifecycle.index, name="index"),
    # Steps, journal, reminders.
    path("lernschritte/", steps.index, name="steps"),
    path("begleitungen/<uuid:pk>/lernschritte/neu/", steps.create, name="step_create"),
    path("lernschritte/<uuid:pk>/", steps.detail, name="step"),
    path("lernschritte/<uuid:pk>/aendern/", steps.edit, name="step_edit"),
    path("lernschritte/<uuid:pk>/antwort/", steps.answer, name="step_answer"),
    path("lernschritte/<uuid:pk>/auswerten/", steps.review, name="step_review"),
    path("lernschritte/<uuid:pk>/teilen/", steps.share, name="step_share"),
    path("ziele/", goals.index, name="goals"),
    path("begleitungen/<uuid:pk>/ziele/neu/", goals.create, name="goal_create"),
    path("ziele/<uuid:pk>/", goals.detail, name="goal"),
    path("ziele/<uuid:pk>/aendern/", goals.edit, name="goal_edit"),
    path("ziele/<uuid:pk>/antwort/", goals.answer, name="goal_answer"),
    path("ziele/<uuid:pk>/teilen/", goals.share, name="goal_share"),
    path("lerntagebuch/", journal.index, name="journal"),
    path("lerntagebuch/<uuid:pk>/aendern/", journal.edit, name="journal_edit"),
    path("lerntagebuch/<uuid:pk>/teilen/", journal.share, name="journal_share"),
    path("lerntagebuch/<uuid:pk>/loeschen/", journal.delete, name="journal_delete"),
    path("erkenntnisse/", insights.index, name="insights"),
    path("erkenntnisse/behalten/", insights.keep, name="insight_keep"),
    path("erkenntnisse/<uuid:pk>/teilen/", insights.share, name="insight_share"),
    path("faustregeln/<uuid:pk>/aendern/", insights.edit, name="rule_edit"),
    path("faustregeln/<uuid:pk>/loeschen/", insights.delete, name="rule_delete"),
    path("erinnerungen/", reminders.settings, name="reminders"),
    path("erinnerungen/stopp/", reminders.stop, name="reminders_stop"),
    # Coordination.
    path("zuordnung/", assignment.board, name="assignment"),
    path("zuordnung/<uuid:pk>/", assignment.request_detail, name="assignment_request"),
    path("zuordnung/<uuid:pk>/vorschlagen/", assignment.propose, name="propose"),
    path("zuordnung/<uuid:pk>/vorschlag-zurueck/", assignment.take_back, name="take_back"),
    # Companions.
    path("begleitende/", companions.directory, name="directory"),
    path("begleitende/<int:pk>/", companions.detail, name="companion"),
    path("begleitende/mein-profil/", companions.own_profile, name="own_profile"),
    path("begleitende/plaetze/", companions.pool, name="pool"),
    path("ausschluesse/", companions.exclusions, name="exclusions"),
    path("ausschluesse/entfernen/", companions.remove_exclusion, name="exclusion_remove"),
]
