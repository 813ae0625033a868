"""Reading uploaded tables: every kind of text file, workbooks, and files that are neither."""

import io
import time
import zipfile

import pytest
import xlsxwriter

from webapp.imports.sheets import Limits, Sheet, UnreadableSheet, column_letters, read_sheet


def read(content: bytes, **limits: int) -> tuple[Sheet, list]:
    sheet = read_sheet(io.BytesIO(content), Limits(**limits) if limits else None)
    return sheet, list(sheet.rows)


def workbook(*sheets: dict[str, object], hide: str = "") -> bytes:
    file = io.BytesIO()
    book = xlsxwriter.Workbook(file, {"in_memory": True})
    days = book.add_format({"num_format": "yyyy-mm-dd"})
    for number, cells in enumerate(sheets):
        sheet = book.add_worksheet(f"Sheet{number}")
        for place, value in cells.items():
            sheet.write_datetime(place, value, days) if hasattr(value, "year") else sheet.write(place, value)
        if sheet.name == hide:
            sheet.hide()
    book.close()
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("tag,name\nA-1,Bohrer groß\n".encode(), "utf-8 ,"),
        ("tag;name\r\nA-1;Bohrer groß\r\n".encode("utf-8-sig"), "utf-8 ;"),
        ("tag\tname\rA-1\tBohrer groß\r".encode("utf-16"), "utf-16 \t"),
        ("tag|name\nA-1|Bohrer groß".encode("utf-16-le"), "utf-16-le |"),
        ("tag:name\nA-1:Bohrer groß".encode("utf-16-be"), "utf-16-be :"),
        ("tag;name\nA-1;Bohrer groß\n".encode("cp1252"), "cp1252 ;"),
        ("tag^name\r\nA-1^Bohrer groß\r\n".encode("mac_roman"), "mac_roman ^"),
        ("tag~name\rA-1~Bohrer groß\r".encode(), "utf-8 ~"),
        ("tag\x1fname\nA-1\x1fBohrer groß\n".encode(), "utf-8 \x1f"),
        ("sep=|\ntag|name\nA-1|Bohrer groß\n".encode(), "utf-8 |"),
        ("\ufeffsep=!\r\ntag!name\r\nA-1!Bohrer groß\r\n".encode(), "utf-8 !"),
    ],
)
def test_encoding_delimiter_and_line_ends_are_found_out(content, found):
    sheet, rows = read(content)

    assert sheet.headers == ("tag", "name")
    assert [cells for _number, cells in rows] == [["A-1", "Bohrer groß"]]
    assert (sheet.kind, f"{sheet.encoding} {sheet.delimiter}") == ("csv", found)


@pytest.mark.parametrize("delimiter", [*",;\t|:^~\x1f", *"!#$%&'()*+-./<=>?@[]_`{} §¦·"])
def test_any_character_that_is_no_letter_and_no_digit_can_be_chosen(delimiter):
    content = f"tag{delimiter}name\nA1{delimiter}x,y\n".encode()

    sheet = read_sheet(io.BytesIO(content), delimiter=delimiter)

    assert (sheet.headers, sheet.delimiter) == (("tag", "name"), delimiter)
    assert next(sheet.rows) == (2, ["A1", "x,y"] if delimiter != "," else ["A1", "x", "y"])


@pytest.mark.parametrize("delimiter", ["a", "7", "é", '"', "\n", "\r", "\0", "\ud800", ",,", "comma"])
def test_what_cannot_separate_columns_is_refused_by_name(delimiter):
    with pytest.raises(UnreadableSheet, match="cannot separate columns"):
        read_sheet(io.BytesIO(b"tag,name\nA1,x\n"), delimiter=delimiter)


def test_names_stand_for_delimiters_that_cannot_be_typed():
    sheets = [read_sheet(io.BytesIO(b"a\tb\n1\t2\n"), delimiter=name) for name in ("tab", "TAB", "\\t")]

    assert [sheet.headers for sheet in sheets] == [("a", "b")] * 3


def test_a_chosen_encoding_wins_over_what_was_found():
    content = "Bezeichnung;Größe\nŁódź;Šafařík\n".encode("cp1250", "replace")

    found, chosen = (read_sheet(io.BytesIO(content), encoding=encoding) for encoding in (None, "windows-1250"))

    assert (found.encoding, chosen.encoding) == ("cp1252", "cp1250")
    assert next(chosen.rows)[1] == ["Łódź", "Šafařík"]
    for name in ("nonsense", "zlib", "utf-7", "\0", "\ud800", "x" * 1000):
        with pytest.raises(UnreadableSheet, match="no encoding"):
            read_sheet(io.BytesIO(content), encoding=name)


def test_times_addresses_and_titles_do_not_pass_for_delimiters():
    for text in (
        "tag,bought\n" + "A-1,2024-01-01 10:30:00\n" * 9,
        "name\nhttp://a/b\n",
        "List: all\n\ntag,name\nA,b\n",
    ):
        assert read(text.encode())[0].delimiter == ","


def test_line_ends_of_all_systems_may_stand_in_one_file():
    _sheet, rows = read(b'tag,name\rA-1,x\r\nA-2,"y\rz"\nA-3,w')

    assert [cells for _number, cells in rows] == [["A-1", "x"], ["A-2", "y\rz"], ["A-3", "w"]]


def test_decimal_commas_do_not_pass_for_delimiters():
    sheet, rows = read(b"tag;price\nA-1;1,50\nA-2;2,75\n")

    assert sheet.headers == ("tag", "price")
    assert rows[1] == (3, ["A-2", "2,75"])


def test_quoted_cells_keep_their_line_ends_and_quotation_marks():
    _sheet, rows = read(b'tag,notes\r\nA-1,"two\r\nlines, 13"" wide"\r\nA-2,x\r\n')

    assert rows == [(2, ["A-1", 'two\r\nlines, 13" wide']), (3, ["A-2", "x"])]


def test_blank_rows_are_left_out_but_counted_and_ragged_rows_are_filled():
    _sheet, rows = read(b"tag,name,notes\n\n , ,\nA-1\nA-2,x,,,\n")

    assert rows == [(4, ["A-1", "", ""]), (5, ["A-2", "x", ""])]


def test_a_surplus_cell_with_content_stays_to_be_seen():
    _sheet, rows = read(b"tag,name\nA-1,x,y\n")

    assert rows == [(2, ["A-1", "x", "y"])]


def test_titles_above_the_heading_row_are_skipped():
    sheet, rows = read(b"Lab inventory 2026\n\nInv. No.,S/N,Item,Make\n1,2,3,4\n")

    assert sheet.headers == ("Inv. No.", "S/N", "Item", "Make")
    assert rows == [(4, ["1", "2", "3", "4"])]


def test_blank_and_repeated_headings_get_names_of_their_own():
    sheet, _rows = read(b"tag,,tag,name\n1,2,3,4\n")

    assert sheet.headers == ("tag", "Column B", "tag (2)", "name")


def test_columns_are_lettered_as_spreadsheets_do():
    assert [column_letters(index) for index in (0, 25, 26, 701, 702)] == ["A", "Z", "AA", "ZZ", "AAA"]


def test_a_workbook_gives_numbers_flags_and_iso_dates():
    from datetime import datetime

    content = workbook(
        {"A1": "tag", "B1": "cost", "C1": "bought", "D1": "ok", "E1": "at"}
        | {"A2": 61240355.0, "B2": 12.5, "C2": datetime(2024, 1, 31), "D2": True, "E2": datetime(2024, 1, 31, 9, 30)}
    )

    sheet, rows = read(content)

    assert sheet.kind == "xlsx"
    assert rows == [(2, [61240355, 12.5, "2024-01-31", True, "2024-01-31 09:30:00"])]


def test_the_first_visible_sheet_with_content_is_read_and_rows_keep_their_numbers():
    content = workbook({}, {"A1": "secret", "A2": "x"}, {"B4": "tag", "C4": "name", "B6": "A-1"}, hide="Sheet1")

    sheet, rows = read(content)

    assert (sheet.sheet, sheet.headers) == ("Sheet2", ("Column A", "tag", "name"))
    assert rows == [(6, ["", "A-1", ""])]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"\n \n,,\n", "no rows"),
        (b"tag,name\n", "no rows below"),
        (b"%PDF-1.7 ...", "PDF"),
        (b"<!DOCTYPE html><table>", "web page"),
        (b"\x00\x01\x02\x03" * 50, "not text"),
        (b"\xd0\xcf\x11\xe0" + b"\0" * 600 + "EncryptedPackage".encode("utf-16-le"), "password"),
        (b"\xd0\xcf\x11\xe0" + b"\0" * 600, ".xls"),
        (b'tag,name\nA-1,"never closed\nA-2,x\n', "row 2 is never closed"),
        ("tag,name\nA-1,x".encode("utf-16") + b"\x00", "breaks off"),
        (b"PK\x03\x04 cut off", "damaged"),
        (b"tag\n" + b"A-1," * 2000 + b"\n", "columns"),
    ],
)
def test_what_is_no_table_is_refused_in_words(content, words):
    with pytest.raises(UnreadableSheet, match=words):
        read(content)


def test_too_many_rows_columns_and_bytes_are_refused():
    with pytest.raises(UnreadableSheet, match="more than 3 rows"):
        read(b"tag\n" + b"A\n" * 4, rows=3)
    with pytest.raises(UnreadableSheet, match="more than 2 columns"):
        read(b"a,b,c\n1,2,3\n", columns=2)
    with pytest.raises(UnreadableSheet, match="larger than"):
        read(b"a,b,c\n1,2,3\n", bytes=5)


def zipped(parts: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return file.getvalue()


def remade(content: bytes, part: str, old: bytes, new: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts[part] = parts[part].replace(old, new)
    return zipped(parts)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (zipped({"readme.txt": b"hello"}), "zip file"),
        (zipped({"mimetype": b"application/vnd.oasis.opendocument.spreadsheet"}), "Only .xlsx and .ods"),
        (zipped({"[Content_Types].xml": b"", "xl/workbook.xml": b"", "xl/vbaProject.bin": b""}), "macros"),
        (zipped({"[Content_Types].xml": b"", "xl/workbook.xml": b"nonsense"}), "damaged"),
        (workbook({"A1": "tag", "A2": "x"})[:-400], "damaged"),
        (workbook({}), "no visible sheet"),
        (workbook({"A1": "tag", "A2": "x", "AZZ3": "y"}), "too many columns"),
        (workbook({"A1": "tag", "XFD1048576": "x"}), "too many columns"),
    ],
)
def test_bad_workbooks_are_refused_in_words(content, words):
    with pytest.raises(UnreadableSheet, match=words):
        read(content)


def test_a_zip_bomb_is_refused_before_it_is_opened():
    bomb = zipped({"[Content_Types].xml": b"", "xl/workbook.xml": b"", "xl/worksheets/sheet1.xml": b"0" * 40_000_000})
    started = time.monotonic()

    with pytest.raises(UnreadableSheet, match="expands"):
        read(bomb)

    assert len(bomb) < 100_000
    assert time.monotonic() - started < 1


def test_an_entry_that_lies_about_its_size_is_not_read_beyond_it():
    bomb = bytearray(remade(workbook({"A1": "tag"}), "xl/worksheets/sheet1.xml", b"</sheetData>", b" " * 40_000_000))
    for signature, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        place = bomb.rindex(b"xl/worksheets/sheet1.xml", 0, None if offset == 24 else bomb.rindex(b"PK\x01\x02"))
        place = bomb.rindex(signature, 0, place) + offset
        bomb[place : place + 4] = (100).to_bytes(4, "little")

    with pytest.raises(UnreadableSheet, match="damaged"):
        read(bytes(bomb))


@pytest.mark.parametrize(
    ("old", "new"), [('r="A2"', 'r="AAAAAAAAA2"'), ('<row r="2"', '<row r="4294967295"'), ('<row r="2"', '<row r="-1"')]
)
def test_places_that_no_sheet_has_are_damage(old, new):
    content = remade(workbook({"A1": "tag", "A2": "x"}), "xl/worksheets/sheet1.xml", old.encode(), new.encode())

    with pytest.raises(UnreadableSheet, match="damaged"):
        read(content)


def test_a_row_is_counted_on_when_it_claims_a_place_above_the_last_one():
    content = remade(
        workbook({"A1": "tag", "A2": "x", "A3": "y"}), "xl/worksheets/sheet1.xml", b'<row r="3"', b'<row r="2"'
    )

    assert read(content)[1] == [(2, ["x"]), (3, ["y"])]


def test_fifty_thousand_rows_take_about_a_second():
    line = ",".join(f"value {column}" for column in range(20))
    content = (line + "\n") * 50_001
    started = time.process_time()

    _sheet, rows = read(content.encode())

    assert len(rows) == 50_000
    assert time.process_time() - started < 2
