"""Features that are computed: expressions, lags, and what the calendar and the place give."""
