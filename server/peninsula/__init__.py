"""Peninsula: a knowledge graph of Korean-Peninsula diplomacy, and a SPARQL server for it."""

__version__ = "0.1.0"
