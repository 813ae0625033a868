"""Reading workbooks: XLSX and ODS alike, what their cells mean, and which sheet."""

import io
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from tests.imports.workbooks import MOMENT, ods, remade, xlsx, xlsx_with
from webapp.imports.number_formats import show_of
from webapp.imports.sheets import Sheet, UnreadableSheet, read_sheet

HEAD = ["tag", "cost", "bought", "ok", "at"]
ROW = [61240355, 12.5, date(2024, 1, 31), True, MOMENT]


def read(content: bytes, sheet: str | None = None) -> tuple[Sheet, list]:
    found = read_sheet(io.BytesIO(content), sheet=sheet)
    return found, list(found.rows)


def as_xlsx(rows: list[list]) -> bytes:
    cells = {f"{chr(65 + column)}{row}": value for row, line in enumerate(rows, 1) for column, value in enumerate(line)}
    return xlsx(cells)


@pytest.mark.parametrize("content", [as_xlsx([HEAD, ROW]), ods({"Sheet0": [HEAD, ROW]})], ids=["xlsx", "ods"])
def test_numbers_flags_and_iso_dates_come_out_of_both_kinds(content):
    sheet, rows = read(content)

    assert (sheet.sheet, sheet.sheets) == ("Sheet0", ("Sheet0",))
    assert rows == [(2, [61240355, 12.5, "2024-01-31", True, "2024-01-31 09:30:00"])]
    assert [type(cell) for cell in rows[0][1]] == [int, float, str, bool, str]


@pytest.mark.parametrize(
    "content",
    [
        xlsx({}, {"A1": "secret", "A2": "x"}, {"B4": "tag", "C4": "name", "B6": "A-1"}, {"A1": "n", "A2": 5}, hide="Sheet1"),
        ods(
            {
                "Sheet0": [],
                "Sheet1": [["secret"], ["x"]],
                "Sheet2": [[], [], [], ["", "tag", "name"], [], ["", "A-1"]],
                "Sheet3": [["n"], [5]],
            },
            hide="Sheet1",
        ),
    ],
    ids=["xlsx", "ods"],
)  # fmt: skip
def test_a_sheet_is_chosen_among_the_visible_ones_with_content(content):
    sheet, rows = read(content)

    assert (sheet.sheet, sheet.sheets) == ("Sheet2", ("Sheet2", "Sheet3"))
    assert (sheet.headers, rows) == (("Column A", "tag", "name"), [(6, ["", "A-1", ""])])
    assert read(content, "Sheet3")[1] == [(2, [5])]
    for name in ("Sheet1", "Sheet0", "nonsense", "\0", "\ud800", "ü" * 9999):
        with pytest.raises(UnreadableSheet, match="no visible sheet"):
            read(content, name)


def test_repeated_cells_and_rows_of_ods_are_repeated_and_blank_ones_only_counted():
    twice = '<table:table-cell table:number-columns-repeated="2" office:value-type="string"><text:p>x</text:p></table:table-cell>'
    rows = f'<table:table-row table:number-rows-repeated="3">{twice}</table:table-row>'
    blank = '<table:table-row table:number-rows-repeated="1000"><table:table-cell/></table:table-row>'

    _sheet, found = read(ods({"A": [["a", "b", "c"], ["y"]]}, rows=rows + blank + rows.replace("3", "1")))

    assert found == [(2, ["y", "", ""]), *((number, ["x", "x", ""]) for number in (3, 4, 5, 1006))]


def test_texts_of_ods_keep_lines_and_spaces_and_leave_remarks_out():
    note = "<office:annotation><text:p>remark</text:p></office:annotation>"
    text = f'<table:table-cell office:value-type="string">{note}<text:p>a<text:s text:c="2"/>b</text:p><text:p><text:span>c</text:span></text:p></table:table-cell>'
    time = '<table:table-cell office:value-type="time" office:time-value="PT09H05M00S"><text:p>09:05</text:p></table:table-cell>'
    euro = '<table:table-cell office:value-type="currency" office:currency="EUR" office:value="5.5"><text:p>5,50 €</text:p></table:table-cell>'

    _sheet, rows = read(ods({"A": [["a", "b", "c"], [text, time, euro]]}))

    assert rows == [(2, ["a  b\nc", "09:05:00", 5.5])]


def test_numbers_that_are_codes_stay_as_they_are_shown():
    long, code = (
        "1234567890123456",
        '<table:table-cell office:value-type="float" office:value="42"><text:p>{}</text:p></table:table-cell>',
    )
    cells = {
        "A1": "a",
        "B1": "b",
        "C1": "c",
        "D1": "d",
        "A2": "00123",
        "B2": long,
        "C2": 42,
        "D2": 42,
        "E2": 1234567890123456,
    }
    book = xlsx(cells, formats={"C2": "00000", "D2": '"AST-"00000'})
    table = ods(
        {"A": [list("abcd"), ["00123", long, code.format("00042"), code.format("AST-00042"), 1234567890123456]]}
    )

    for content in (book, table):
        assert read(content)[1] == [(2, ["00123", long, "00042", "AST-00042", 1234567890123456])]


@pytest.mark.parametrize(
    ("code", "number", "shown"),
    [
        ("dd/mm/yyyy", 45292, "2024-01-01"),
        ("[$-409]d-mmm-yy;@", 45292.75, "2024-01-01 18:00:00"),
        ('yyyy"年"m"月"d"日"', 45303, "2024-01-12"),
        ("yyyy-mm-dd", 59, "1900-02-28"),
        ("h:mm AM/PM", 0.5, "12:00:00"),
        ("[h]:mm:ss", 1.5, "36:00:00"),
        ("yyyy-mm-dd", -1, -1),
        ("yyyy-mm-dd", 3_000_000, 3_000_000),
        ("000-00-0000", 12345678, "012-34-5678"),
        ("00", 123, "123"),
        ("00000", 1.5, 1.5),
    ],
)
def test_formats_that_change_what_a_number_means_are_followed(code, number, shown):
    show = show_of(code)

    assert show is not None
    assert show(number) == shown


@pytest.mark.parametrize(
    "code", ["General", "0", "0.00", "#,##0.00 [$USD]", '0 "days"', '#,##0 "h"', "0%", "@", "0.00E+00", "", ";;;", '[Red]0', r"0\d"]
)  # fmt: skip
def test_money_units_and_percentages_stay_numbers(code):
    assert show_of(code) is None


def test_dates_of_an_old_macintosh_workbook_begin_in_1904():
    content = xlsx({"A1": "bought", "A2": date(2024, 1, 31)})

    moved = remade(content, "xl/workbook.xml", b"<workbookPr ", b'<workbookPr date1904="1" ')

    assert read(moved)[1] == [(2, ["2028-02-01"])]


def test_rich_inline_and_escaped_texts_errors_and_formulas_are_read():
    strings = (
        '<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><si><r><t>Boh</t></r><r><rPr><b/></rPr>'
        "<t>rer</t></r><rPh><t>phonetic</t></rPh></si><si><t>two_x000D_\nlines</t></si></sst>"
    )
    rows = (
        '<row><c t="s"><v>0</v></c><c t="inlineStr"><is><t>in</t></is></c><c t="e"><v>#N/A</v></c><c t="str"><f>A1</f><v>f</v></c></row>'
        '<row r="5"><c r="B5" t="s"><v>1</v></c><c t="b"><v>1</v></c><c t="d"><v>2024-01-31T00:00:00</v></c><c><f>1+1</f><v>2</v></c></row>'
    )

    sheet, found = read(xlsx_with(rows, strings=strings.encode()))

    assert sheet.headers == ("Bohrer", "in", "#N/A", "f")
    assert found == [(5, ["", "two\r\nlines", True, "2024-01-31", 2])]


def trimmed(cells: list) -> list:
    return cells if not cells or cells[-1] != "" else trimmed(cells[:-1])


VALUES = st.one_of(
    st.booleans(),
    st.integers(-(10**14), 10**14),
    st.floats(allow_nan=False, allow_infinity=False, width=32),
    st.text(st.characters(exclude_categories=["C"], include_characters="\n\t "), min_size=1, max_size=20),
)


@given(st.lists(st.lists(VALUES, min_size=1, max_size=6), min_size=2, max_size=6))
@settings(max_examples=8, deadline=None)
def test_another_reader_finds_the_same_cells(rows):
    content = as_xlsx([["head", *"bcdef"], *(["text", *line] for line in rows)])

    _sheet, found = read(content)

    theirs = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0).to_python()[1:]
    assert [trimmed(cells) for _number, cells in found] == [trimmed(cells) for cells in theirs]
