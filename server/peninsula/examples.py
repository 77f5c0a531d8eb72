"""With what does somebody try the form for validation?

With a meeting that never took place: once as it would be right, and once with the slips that are
made most often, each of which the report finds and can mend.
"""

from __future__ import annotations

from typing import Final

_RIGHT: Final = """\
# An invented meeting, to try this form with: nothing of it is in the graph.
PREFIX attendance: <https://w3id.org/peninsula/attendance/>
PREFIX dcterms: <http://purl.org/dc/terms/>
PREFIX edtf: <http://id.loc.gov/datatypes/edtf/>
PREFIX event: <https://w3id.org/peninsula/id/event/>
PREFIX participation: <https://w3id.org/peninsula/id/participation/>
PREFIX participation-role: <https://w3id.org/peninsula/participation-role/>
PREFIX pen: <https://w3id.org/peninsula/ns#>
PREFIX person: <https://w3id.org/peninsula/id/person/>
PREFIX place: <https://w3id.org/peninsula/id/place/>
PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#>
PREFIX state: <https://w3id.org/peninsula/id/state/>
PREFIX verification: <https://w3id.org/peninsula/verification/>
PREFIX xsd: <http://www.w3.org/2001/XMLSchema#>

event:example-summit
    a pen:Summit ;
    rdfs:label "Example summit in Hanoi"@en ;
    dcterms:source <https://example.org/communique> ;
    pen:edtf "2019-06-04"^^edtf:EDTF ;
    pen:from "2019-06-04"^^xsd:date ;
    pen:until "2019-06-04"^^xsd:date ;
    pen:takesPlaceAt place:hanoi ;
    pen:hasVerification verification:verified .

participation:example-summit-vladimir-putin
    a pen:Participation ;
    rdfs:label "Vladimir Putin, example summit"@en ;
    pen:inEvent event:example-summit ;
    pen:hasParticipant person:vladimir-putin ;
    pen:represents state:russia ;
    pen:hasRole participation-role:participant ;
    pen:hasAttendance attendance:attended ;
    dcterms:source <https://example.org/communique> ;
    pen:hasVerification verification:verified .

participation:example-summit-moon-jae-in
    a pen:Participation ;
    rdfs:label "Moon Jae-in, example summit"@en ;
    pen:inEvent event:example-summit ;
    pen:hasParticipant person:moon-jae-in ;
    pen:represents state:south-korea ;
    pen:hasRole participation-role:participant ;
    pen:hasAttendance attendance:attended ;
    dcterms:source <https://example.org/communique> ;
    pen:hasVerification verification:verified .
"""
#: What stands in the right one -> the slip.
_SLIPS: Final = (
    # A day without its datatype, a thing of the wrong kind, a misspelt concept, a forgotten one.
    ('pen:from "2019-06-04"^^xsd:date', 'pen:from "2019-06-04"'),
    ("place:hanoi", "state:hanoi"),
    ("attendance:attended", "attendance:atended"),
)


def _with_slips() -> str:
    text = _RIGHT
    for right, wrong in _SLIPS:
        text = text.replace(right, wrong, 1)
    return text


#: Name in the address -> text.
EXAMPLES: Final = {"right": _RIGHT, "slips": _with_slips()}
