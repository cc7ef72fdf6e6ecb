"""Modules that are copied into every logged model; they import nothing of jupyter_mlkit."""
