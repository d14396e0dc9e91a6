"""Reminders under faults, with real processes: nothing lost, next to nothing twice (design: security.md, 2.3)."""
