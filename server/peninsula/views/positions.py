"""How are the positions of actors compared on a page?"""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("positions", __name__)
