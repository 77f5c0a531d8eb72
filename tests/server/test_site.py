"""Addresses on pages: of this server, of others, and of nothing that could run."""

from __future__ import annotations

import pytest
from flask import Flask

from peninsula.views.site import local_path


@pytest.mark.parametrize(
    ("iri", "path"),
    [
        ("https://w3id.org/peninsula/id/state/russia", "/id/state/russia"),
        ("https://w3id.org/peninsula/ns#Claim", "/ns#Claim"),
        ("https://example.org/a", "https://example.org/a"),
        ("http://example.org/a?b#c", "http://example.org/a?b#c"),
        # Without its base it would be an address of another server.
        ("https://w3id.org/peninsula//example.org/", "https://w3id.org/peninsula//example.org/"),
        ("javascript:alert(1)", "/search?q=javascript%3Aalert%281%29"),
        ("JavaScript:alert(1)", "/search?q=JavaScript%3Aalert%281%29"),
        ("data:text/html,x", "/search?q=data%3Atext%2Fhtml%2Cx"),
        ("urn:x", "/search?q=urn%3Ax"),
        ("//example.org", "/search?q=%2F%2Fexample.org"),
    ],
)
def test_an_iri_is_shown_where_it_can_be_looked_at(app: Flask, iri: str, path: str) -> None:
    with app.test_request_context("/"):
        assert local_path(iri) == path
