"""As `lab`, for a test that visits all that a store holds and asks for more than a person does."""

c = get_config()  # noqa: F821
load_subconfig("jupyter_lab_config.py")  # noqa: F821
c.MLKitLimits.requests_per_second = 1000
c.MLKitLimits.requests_burst = 1000
