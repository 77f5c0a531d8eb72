"""The dataset: what a query is evaluated on, behind one interface."""
