"""Validation: what the shapes ask of data, judged by pySHACL."""
