"""The pages of the talks, one module per noun."""
