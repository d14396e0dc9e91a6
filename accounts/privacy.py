"""How long what is kept about people, and why (design/domain.md, L7)."""

from lernbegleitung.privacy import keep

from .models import Agency, AuditEvent, DataKey, Invitation, OutgoingMail, RoleGrant, User

keep(Agency, "id", "code", "name", "kind", "parent_id", "path", "state", "city", after="the agency is dissolved", why="The tree of agencies is public knowledge.")
keep(User, "id", "email", "name", "agency_id", "password", "is_active", "joined_at", after="the person has left", days=30, why="Needed to sign in and to be found as a companion.")
keep(User, "job", "team", "language", "time_zone", "work_days", "reminder_hour", "absent_from", "absent_until", "reminders_stopped_at", after="the person has left", days=30, why="The person's own settings; the team serves exclusion H3.")
keep(RoleGrant, "id", "user_id", "role", "agency_id", "starts_on", "ends_on", "granted_by_id", after="the role has ended", days=365, why="Who was allowed to do what, and who granted it.")
keep(Invitation, "id", "email", "name", "agency_id", "role", "language", "token_hash", "invited_by_id", "invited_at", "expires_at", "accepted_at", "withdrawn_at", after="the invitation was accepted, withdrawn or has expired", days=30, why="To show which invitations are open.")
keep(DataKey, "id", "owner_id", "master", "wrapped", "created_at", after="the engagement is erased or the person has left", days=0, why="Deleting the key makes every sealed text unreadable, in backups too.")
keep(AuditEvent, "id", "kind", "actor_id", "subject", "at", after="the event", days=365, why="Both can see who did what; no content.")
keep(OutgoingMail, "id", "key", "kind", "recipient_id", "address", "language", "subject_id", "facts", "attachment", "due_at", "claimed_until", "attempts", "sent_at", "dropped_at", "failed_at", "smtp_code", "created_at", after="sent, dropped or failed", days=30, why="So that nothing is lost and nothing is sent twice.")
