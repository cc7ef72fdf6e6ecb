"""Names of other packages, so that code written for them runs by changing an import."""
