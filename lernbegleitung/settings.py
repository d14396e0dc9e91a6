"""Every setting, in one file; each value of a deployment comes from the environment, secrets also from NAME_FILE."""

import os
import sys
from email.utils import parseaddr
from pathlib import Path

import dj_database_url
import environ
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from . import embedded, vault
from .server import threads

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.FileAwareEnv()
TESTING = "pytest" in sys.modules
DEMO: bool = env.bool("LERNBEGLEITUNG_DEMO", default=False) or TESTING
DEBUG: bool = env.bool("DEBUG", default=False)

# ── secrets: no key, no start ──────────────────────────────────────────────
SECRET_KEY: str = env.str("SECRET_KEY", default="for-tests-only" if TESTING else "")
# One line per master key, newest first: <key id>:<base64 of 32 bytes>. Wraps the data keys, see vault.py.
MASTER_KEYS: str = env.str("MASTER_KEYS", default="test:" + "A" * 43 + "=" if TESTING else "")
if not MASTER_KEYS and (command := env.str("MASTER_KEYS_COMMAND", default="")):  # a KMS: asked once, at the start
    MASTER_KEYS = vault.keys_from(command)
if not SECRET_KEY or not MASTER_KEYS:
    embedded_secrets = embedded.secrets()
    SECRET_KEY = SECRET_KEY or embedded_secrets.get("SECRET_KEY", "")
    MASTER_KEYS = MASTER_KEYS or embedded_secrets.get("MASTER_KEYS", "")
if not SECRET_KEY or not MASTER_KEYS:
    raise ImproperlyConfigured(
        "Set SECRET_KEY and MASTER_KEYS (or SECRET_KEY_FILE and MASTER_KEYS_FILE or MASTER_KEYS_COMMAND)."
    )

# ── where we live ──────────────────────────────────────────────────────────
BASE_URL: str = env.str("BASE_URL", default="http://localhost:8000").rstrip("/")
SECURE = BASE_URL.startswith("https://")
ALLOWED_HOSTS: list[str] = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "testserver"])
CSRF_TRUSTED_ORIGINS = [BASE_URL]
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"  # no further cookie
CSRF_FAILURE_VIEW = "accounts.views.drafts.csrf_failure"
ROOT_URLCONF = "lernbegleitung.urls"
WSGI_APPLICATION = "lernbegleitung.wsgi.application"

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "django_htmx",
    "crispy_forms",
    "template_partials",
    "lernbegleitung.apps.ProjectConfig",
    "accounts.apps.AccountsConfig",
    "engagements.apps.EngagementsConfig",
    "conversations.apps.ConversationsConfig",
]
if DEMO:
    INSTALLED_APPS += ["demo.apps.DemoConfig"]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "lernbegleitung.middleware.HeaderMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "lernbegleitung.compression.CompressMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "lernbegleitung.middleware.LimitMiddleware",
    "allauth.account.middleware.AccountMiddleware",  # around the transaction: what follows its commit knows the request
    # From here on the database knows who asks: one transaction and one actor per request.
    "lernbegleitung.middleware.ActorMiddleware",
    "lernbegleitung.middleware.LanguageMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "accounts.context.shell",
            ],
            "builtins": [
                "django.templatetags.i18n",
                "lernbegleitung.templatetags.ui",
                "lernbegleitung.templatetags.fixed",
            ],
        },
    }
]

# Seconds added to the clock of every process, for tests and demonstrations of another day; refused outside the demo.
CLOCK_OFFSET: int = env.int("LERNBEGLEITUNG_CLOCK_OFFSET", default=0)

# ── database, queue, cache ─────────────────────────────────────────────────
DB_ROLE: str = env.str("LERNBEGLEITUNG_DB_ROLE", default="lern_owner" if TESTING else "lern_app")
DATABASES = {"default": dj_database_url.parse(env.str("DATABASE_URL", default="") or embedded.database_url(DB_ROLE))}
if CLOCK_OFFSET:
    DATABASES["default"].setdefault("OPTIONS", {})["options"] = f"-c app.clock_offset={CLOCK_OFFSET}"
DATABASES["default"] |= {"ATOMIC_REQUESTS": False, "CONN_MAX_AGE": 0 if DB_ROLE == "lern_owner" else 600}
if (
    DB_ROLE == "lern_app" and not TESTING
):  # one pool per web process, a connection for each thread; it wants no persistent connections of Django's own
    DATABASES["default"] |= {"CONN_MAX_AGE": 0}
    DATABASES["default"].setdefault("OPTIONS", {})["pool"] = {"min_size": 1, "max_size": threads, "timeout": 10}
# Bind on the server and prepare what is asked often: planning under row-level security is worth saving.
DATABASES["default"].setdefault("OPTIONS", {}).update({"server_side_binding": True, "prepare_threshold": 3})
if env.bool("DATABASE_POOLER", default=False):  # a pooler in transaction mode: nothing outlives its transaction
    DATABASES["default"]["OPTIONS"]["prepare_threshold"] = None
    DATABASES["default"]["DISABLE_SERVER_SIDE_CURSORS"] = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# Rate limits count in the database, so that Redis may die at any time and only the doorbell notices.
CACHES = {"default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "django_cache"}}
if TESTING:
    CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

CELERY_BROKER_URL: str = "memory://" if TESTING else env.str("REDIS_URL", default="") or embedded.redis_url()
CELERY_TASK_IGNORE_RESULT = True
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_ALWAYS_EAGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"
# Own calendars are fetched from public addresses only; of the own house, from the hosts named here (an Exchange, say).
CALENDAR_INNER_HOSTS: list[str] = env.list("CALENDAR_INNER_HOSTS", default=[])
CALENDAR_CA_FILE: str = env.str("CALENDAR_CA_FILE", default="")  # the certificate authority of the own house, as PEM
CELERY_WORKER_MAX_MEMORY_PER_CHILD = 300_000  # kB; a child that has solved something large gives its memory back
TICK: int = env.int("LERNBEGLEITUNG_TICK", default=60)  # seconds between two rings of the doorbell

# ── people ─────────────────────────────────────────────────────────────────
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["accounts.backends.EmailBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
if TESTING:
    PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "accounts.passwords.KnownWordsValidator"},
]
PASSWORD_RESET_TIMEOUT = 60 * 60  # seconds that the link of a forgotten password is valid
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "conversations:today"
LOGOUT_REDIRECT_URL = "pages:start"
ACCOUNT_ADAPTER = "accounts.adapter.InvitationOnlyAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = True
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_CONFIRM_EMAIL_ON_GET = False
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if SECURE else "http"
# A whole agency sits behind one address: the limits per address are generous, those per account stay tight.
ACCOUNT_RATE_LIMITS = {
    "login": "300/m/ip",
    "login_failed": "100/m/ip,5/300s/key",
    "reset_password": "200/m/ip,5/m/key",
    "confirm_email": "1/3m/key",
    "invite": "60/h/user",
    "export": "30/h/user",
    "import": "60/h/user",
    "rating": "600/m/key",  # all together, by nobody's address
    "search": "120/m/key",  # by person, see LimitMiddleware
    "feed": "120/h/key",  # by address; calendars ask every quarter of an hour at most, on a few devices
}
# Who must sign in with a second factor; everybody may. The demo's logins work without one.
SECOND_FACTOR_FOR: list[str] = env.list("SECOND_FACTOR_FOR", default=[] if DEMO else ["coordinator", "administrator"])
MFA_ADAPTER = "accounts.adapter.SealedSecondFactor"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_TOTP_ISSUER = "Lernbegleitung"
ACCOUNT_FORMS = {"login": "accounts.forms.SignInForm"}
MFA_FORMS = {
    "add_webauthn": "accounts.forms.PasskeyForm",
    "login_webauthn": "accounts.forms.PasskeyAtLogin",
    "authenticate_webauthn": "accounts.forms.PasskeyAsSecondFactor",
    "reauthenticate_webauthn": "accounts.forms.PasskeyOnceMore",
}
MFA_RATE_LIMITS = {"webauthn_login": "300/m/ip"}
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = DEMO and not SECURE
ALLAUTH_TRUSTED_PROXY_COUNT = env.int("TRUSTED_PROXY_COUNT", default=0)

SESSION_ENGINE = "accounts.session_store"
SESSION_COOKIE_NAME = "__Host-session" if SECURE else "session"
CSRF_COOKIE_NAME = "__Host-csrf" if SECURE else "csrf"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 10 * 60 * 60  # a working day, at most
SESSION_IDLE_SECONDS = 2 * 60 * 60  # nobody writes for two hours: the browser asks again, drafts are kept

SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_HSTS_SECONDS = 31_536_000 if SECURE else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE
SECURE_SSL_REDIRECT = SECURE and env.bool("SSL_REDIRECT", default=False)
if env.bool("BEHIND_PROXY", default=False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
        "form-action": ["'self'"],
        # What a script wants to make HTML of passes static/js/trusted.js; nothing else becomes HTML or script.
        "require-trusted-types-for": ["'script'"],
        "trusted-types": ["default", "reading"],
    }
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 10 * 1024 * 1024  # what people bring in (5 MB at most) never lies in a temporary file

# ── language and time ──────────────────────────────────────────────────────
LANGUAGE_CODE = "de"
LANGUAGES = [("de", _("Deutsch")), ("en", _("Englisch"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
FORMAT_MODULE_PATH = "lernbegleitung.formats"
USE_I18N = USE_TZ = True
TIME_ZONE = "Europe/Berlin"
LANGUAGE_COOKIE_NAME = "__Host-language" if SECURE else "language"
LANGUAGE_COOKIE_SAMESITE = "Lax"
LANGUAGE_COOKIE_HTTPONLY = True

# ── files of the browser ───────────────────────────────────────────────────
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "build" / "static"
FONTS = BASE_DIR / "node_modules" / "@fontsource-variable"
STATICFILES_DIRS: list[Path | tuple[str, Path]] = [BASE_DIR / "static"]
if FONTS.is_dir():  # without them every page falls back to the system's typeface
    STATICFILES_DIRS.append(("fonts", FONTS))
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if TESTING
        else "lernbegleitung.assets.HashedFiles"
    },
}
WHITENOISE_MAX_AGE = 3600  # seconds, of a file by its plain name; names with a hash never change and are kept for good
WHITENOISE_ALLOW_ALL_ORIGINS = False
CRISPY_ALLOWED_TEMPLATE_PACKS = CRISPY_TEMPLATE_PACK = "lb"

# ── mail ───────────────────────────────────────────────────────────────────
vars().update(env.email_url("EMAIL_URL", default="smtp://127.0.0.1:2525"))
if TESTING:
    EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
EMAIL_TIMEOUT = env.int("EMAIL_TIMEOUT", default=15)  # seconds
MAIL_LEASE: int = env.int("LERNBEGLEITUNG_MAIL_LEASE", default=300)  # seconds that a worker may hold a claimed mail
MAIL_PAUSE: int = env.int(
    "LERNBEGLEITUNG_MAIL_PAUSE", default=120
)  # seconds after the first refusal, then twice as long
# Where workers keep the journal of what was just sent (accounts/notes.py): a folder of their own machine.
MAIL_JOURNAL: str = env.str("LERNBEGLEITUNG_MAIL_JOURNAL", default="")
# Where undeliverable mail comes back to: bounces@…; each mail gets bounces+<id>@… as its envelope's sender (VERP).
BOUNCE_ADDRESS: str = env.str("BOUNCE_ADDRESS", default="")
DEFAULT_FROM_EMAIL = env.str("MAIL_FROM", default="Lernbegleitung <lernbegleitung@example.org>")

# ── notices in the browser (docs/decisions/0017): off without a key ────────
PUSH_KEY: str = env.str("PUSH_KEY", default="") or ("" if TESTING else embedded.push_key() if DEMO else "")
# Whom a push service may write to about what we send; an address or a page.
PUSH_CONTACT: str = env.str("PUSH_CONTACT", default="") or f"mailto:{parseaddr(str(DEFAULT_FROM_EMAIL))[1]}"
# The push services of browser vendors that notices may go to, and nowhere else: host, host:port, or .domain.
PUSH_SERVICES: list[str] = env.list(
    "PUSH_SERVICES",
    default=["fcm.googleapis.com", ".push.services.mozilla.com", ".push.apple.com", ".notify.windows.com"],
)
# For a push service of one's own: it may have an address that is not public, and a certificate of one's own.
PUSH_INSIDE: bool = env.bool("PUSH_INSIDE", default=False)
PUSH_CA_FILE: str = env.str("PUSH_CA_FILE", default="")

# ── operation ──────────────────────────────────────────────────────────────
# Who may read /metrics: with this token as a bearer; without one only this machine.
METRICS_TOKEN: str = env.str("METRICS_TOKEN", default="")

# ── logs: identifiers, never content ───────────────────────────────────────
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": "lernbegleitung.logs.DiscreetFormatter",
            "format": "{asctime} {levelname} {name} {message}",
            "style": "{",
        }
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": os.environ.get("LOG_LEVEL", "WARNING")},
}
SILENCED_SYSTEM_CHECKS: list[str] = []
