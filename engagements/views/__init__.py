"""The pages of the work together, one module per noun."""
