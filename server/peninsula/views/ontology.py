"""How are the words of the graph explained?"""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("ontology", __name__)
