"""Addresses of the talks, and of the pages at the higher end: Heute and the engagement's own page."""

from django.urls import path

from .views import appointments, conversation, engagement, method, portfolio, preparation, questions, search, today

app_name = "conversations"
urlpatterns = [
    path("heute/", today.today, name="today"),
    path("begleitungen/<uuid:pk>/", engagement.detail, name="engagement"),
    path("begleitungen/<uuid:pk>/termine/neu/", appointments.create, name="appointment_create"),
    path("termine/<uuid:pk>/", appointments.detail, name="appointment"),
    path("termine/<uuid:pk>/verschieben/", appointments.move, name="appointment_move"),
    path("termine/<uuid:pk>/absagen/", appointments.cancel, name="appointment_cancel"),
    path("termine/<uuid:pk>/termin.ics", appointments.calendar_file, name="appointment_ics"),
    path("gespraeche/", conversation.index, name="index"),
    path("gespraeche/<uuid:pk>/", conversation.desk, name="desk"),
    path("gespraeche/<uuid:pk>/teil/<int:part>/", conversation.save_part, name="save_part"),
    path("gespraeche/<uuid:pk>/schlusssatz/", conversation.save_closing, name="save_closing"),
    path("gespraeche/<uuid:pk>/beobachtung/", conversation.offer_observation, name="observation_offer"),
    path(
        "gespraeche/<uuid:pk>/beobachtung/<uuid:observation_id>/",
        conversation.answer_observation,
        name="observation_answer",
    ),
    path("gespraeche/<uuid:pk>/zustimmen/", conversation.agree, name="agree"),
    path("gespraeche/<uuid:pk>/protokoll/", conversation.protocol, name="protocol"),
    path("gespraeche/<uuid:pk>/vorbereiten/", preparation.prepare, name="prepare"),
    path("suchen/", search.find, name="search"),
    path("meine-daten/mitnehmen/", portfolio.choose, name="take_along"),
    path("meine-daten/lernportfolio.json", portfolio.as_data, name="portfolio_data"),
    path("begleitungen/<uuid:pk>/lernportfolio.pdf", portfolio.as_paper, name="portfolio_paper"),
    path("begleitungen/<uuid:pk>/bestaetigung.pdf", portfolio.confirmation, name="confirmation"),
    path("schema/lernportfolio-1.json", portfolio.schema, name="portfolio_schema"),
    path("gespraeche/<uuid:pk>/vorbereiten/thema/", preparation.topic, name="topic"),
    path("gespraeche/<uuid:pk>/frage/", questions.take, name="question_take"),
    path("fragen/", questions.bank, name="questions"),
    path("fragen/<int:pk>/merken/", questions.keep, name="question_keep"),
    path("fragen/eigene/", questions.own, name="own_questions"),
    path("fragen/eigene/<uuid:pk>/", questions.edit_own, name="own_question_edit"),
    path("fragen/eigene/<uuid:pk>/loeschen/", questions.delete_own, name="own_question_delete"),
    path("fragen/eigene/<uuid:pk>/vorschlagen/", questions.propose, name="question_propose"),
    path("fragen/vorschlaege/<uuid:pk>/zurueckziehen/", questions.withdraw, name="proposal_withdraw"),
    path("methode/", method.index, name="method"),
    path("methode/fragen/neu/", method.create, name="question_create"),
    path("methode/fragen/<int:pk>/", method.edit, name="question_edit"),
    path("methode/fragen/<int:pk>/ruhen/", method.rest, name="question_rest"),
    path("methode/vorschlaege/<uuid:pk>/", method.proposal, name="proposal"),
]
