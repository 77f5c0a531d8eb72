"""Which things of the graph do the names in somebody's table mean? (Reconciliation API 0.2)"""
