"""Static files under names that change with their content, our own scripts' imports included."""

from django.contrib.staticfiles.storage import ManifestFilesMixin
from whitenoise.storage import CompressedManifestStaticFilesStorage

OWN_IMPORTS = (
    "js/*.js",
    (
        (r"""(?P<matched>\bfrom "(?P<url>\./[\w.-]+)";)""", 'from "%(url)s";'),
        (r"""(?P<matched>\bimport "(?P<url>\./[\w.-]+)";)""", 'import "%(url)s";'),
    ),
)


class HashedFiles(CompressedManifestStaticFilesStorage):
    """Whitenoise's storage, which also rewrites `from "./x.js";`, in static/js only: packages import in their own ways."""

    patterns = (*ManifestFilesMixin.patterns, OWN_IMPORTS)
