"""Cells stand where their row and column meet; what nobody filled is a gap."""

from __future__ import annotations

from peninsula.drawing.matrix import Column, MatrixCell, Row, draw_matrix

ROWS = [Row("a", "A", group="one"), Row("b", "B", group="two"), Row("c", "C", group="one")]
COLUMNS = [Column("x", "X"), Column("y", "Y", depth=1)]


def test_rows_stand_in_bands_and_cells_in_the_order_of_the_columns() -> None:
    cell = MatrixCell((("supports", 2),), "/there")
    drawn = draw_matrix(ROWS, COLUMNS, {("c", "y"): cell})
    assert [(band.label, [line.row.key for line in band.lines]) for band in drawn.bands] == [
        ("one", ["a", "c"]),
        ("two", ["b"]),
    ]
    places = {
        (line.row.key, place.column.key): place.cell
        for line in drawn.lines
        for place in line.places
    }
    assert places["c", "y"] is cell
    assert [key for key, found in places.items() if found] == [("c", "y")]
    assert len(places) == 6


def test_a_mark_grows_with_its_count_and_firm_ones_come_first() -> None:
    cells = {
        ("a", "x"): MatrixCell((("supports", 1), ("opposes", 9)), loose=(("supports", 4),)),
        ("a", "y"): MatrixCell((("supports", 0),)),
    }
    line = draw_matrix(ROWS[:1], COLUMNS, cells).lines[0]
    glyphs = line.places[0].glyphs
    assert [(g.stance, g.count, g.is_loose) for g in glyphs] == [
        ("supports", 1, False),
        ("opposes", 9, False),
        ("supports", 4, True),
    ]
    assert glyphs[0].size < glyphs[2].size < glyphs[1].size
    assert line.places[1].glyphs == ()


def test_a_cell_sums_up_what_is_on_objects_and_what_is_not() -> None:
    cell = MatrixCell((("supports", 1), ("opposes", 2)), loose=(("supports", 4),))
    assert cell.sums == (("supports", 5), ("opposes", 2))
    assert cell.total == 7


def test_a_matrix_without_rows_or_columns_is_empty() -> None:
    assert draw_matrix([], COLUMNS, {}).is_empty
    assert draw_matrix(ROWS, [], {}).is_empty
    assert not draw_matrix(ROWS, COLUMNS, {}).is_empty
