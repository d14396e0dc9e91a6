"""Django with one page and nothing else: what a cold start costs at least."""

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.urls import path

settings.configure(ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, SECRET_KEY="none")
urlpatterns = [path("", lambda request: HttpResponse("here")), path("healthz", lambda request: HttpResponse("here"))]
application = get_wsgi_application()
