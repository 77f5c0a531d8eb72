"""Which thing of ours is which item of Wikidata, and what does Wikidata say of it?"""
