"""What can be done with a talk: verbs, each one transaction with its audit line and mails."""
