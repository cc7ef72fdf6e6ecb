"""Which data these are: digests of what was used."""
