"""What can be done with people and agencies: verbs, each one transaction with its audit line."""
