"""Drawings as values: where each mark of a page stands. No dataset, no HTTP, no HTML."""
