"""What can be done with an engagement: verbs, each one transaction with its audit line and mails."""
