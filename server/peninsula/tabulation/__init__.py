"""The graph as tidy tables: one thing or observation a row, described by CSVW."""
