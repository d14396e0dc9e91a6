"""Days and times in English as people in Europe write and read them: Django's own are those of the United States.

German uses Django's: `DATE_FORMAT` 6. November 2026, `MONTH_DAY_FORMAT` 6. November, `SHORT_DATE_FORMAT` 06.11.2026.
"""

DATE_FORMAT = "j F Y"
MONTH_DAY_FORMAT = "j F"
SHORT_DATE_FORMAT = "j M Y"
TIME_FORMAT = "H:i"
DATETIME_FORMAT = "j F Y, H:i"
SHORT_DATETIME_FORMAT = "j M Y, H:i"
FIRST_DAY_OF_WEEK = 1
DATE_INPUT_FORMATS = ["%Y-%m-%d", "%d/%m/%Y", "%d.%m.%Y", "%d %B %Y", "%d %b %Y"]  # 06/11/2026 is in November
