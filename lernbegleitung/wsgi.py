"""What gunicorn serves, unless a wall has a hole."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "lernbegleitung.settings")
application = get_wsgi_application()

from .checks import refuse_to_start_with_a_hole  # noqa: E402  (needs the apps)

refuse_to_start_with_a_hole()
