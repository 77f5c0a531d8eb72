"""How is a thing found by its name?"""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("search", __name__)
