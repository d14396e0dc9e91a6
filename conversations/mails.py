"""The mails about talks; the calendar object is the attachment, the text says only that something has changed."""

from accounts import outbox

APPOINTMENT_NEW = outbox.kind("appointment_new")
APPOINTMENT_MOVED = outbox.kind("appointment_moved")
APPOINTMENT_CANCELLED = outbox.kind("appointment_cancelled")
RECORD_TO_AGREE = outbox.kind("record_to_agree")
RECORD_LOCKED = outbox.kind("record_locked")
