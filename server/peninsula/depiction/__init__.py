"""What of an answer is drawn, and by which columns?

Each ``depict_…`` returns what it can draw of the rows, with the columns that play a part and how
much is left out, or None where the answer has no such shape.
"""
