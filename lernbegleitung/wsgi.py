"""What gunicorn serves, unless a wall has a hole."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "lernbegleitung.settings")
application = get_wsgi_application()

from django.conf import settings  # noqa: E402  (needs the environment)
from django.template.loader import get_template  # noqa: E402
from django.urls import get_resolver  # noqa: E402
from django.utils import translation  # noqa: E402

from .checks import refuse_to_start_with_a_hole  # noqa: E402  (needs the apps)

refuse_to_start_with_a_hole()


def warm() -> None:
    """Fetch what the first requests would: views and addresses, both languages, every template of ours."""
    for language, _name in settings.LANGUAGES:
        with translation.override(language):
            get_resolver()._populate()
    for folder in settings.TEMPLATES[0]["DIRS"]:
        for file in sorted(folder.rglob("*.html")):
            get_template(str(file.relative_to(folder)))
