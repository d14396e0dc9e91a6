"""The pages about people, agencies and invitations, one module per noun."""
