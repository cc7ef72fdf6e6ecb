"""Programs with a web page of their own (the MLflow UI), run for one server and only for it."""
