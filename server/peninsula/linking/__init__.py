"""What does a curator do with links to Wikidata: pull, check, suggest, accept?

Each works on the published generation of a store, which a server may hold meanwhile; only to put
a snapshot into a store that no server holds is a change of it.
"""
