"""The demo cube: small, realistic, with known truth."""
