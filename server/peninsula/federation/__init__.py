"""Services of others: which may be asked, and how."""
