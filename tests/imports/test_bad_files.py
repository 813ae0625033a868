"""Files that are no tables or mean harm: each gets a sentence within 5 seconds and 200 MB, all processes together."""

import io
import random
import subprocess
import sys
import zipfile
from pathlib import Path

import orjson
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.imports.workbooks import ODS_TYPE, ods, parts_of, xlsx, xlsx_with, zipped
from webapp.imports.charset import ENCODINGS
from webapp.imports.parse_workbook import MEMORY
from webapp.imports.sheets import UnreadableSheet, read_sheet

Files = dict[str, tuple[bytes, str]]
SECONDS, MEGABYTES = 5, 200
READER = """
import re, sys, time
from pathlib import Path
import orjson
from webapp.imports.sheets import UnreadableSheet, read_sheet
for path in sorted(Path(sys.argv[1]).iterdir()):
    started = time.monotonic()
    try:
        with path.open("rb") as file:
            said = f"{sum(1 for _row in read_sheet(file).rows)} rows"
    except UnreadableSheet as error:
        said = error.message
    peak = int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) * 1024
    print(orjson.dumps([path.name, said, time.monotonic() - started, peak]).decode(), flush=True)
"""
SMALL = xlsx({"A1": "tag", "A2": "x"})
CELL = '<c t="n"><v>1</v></c>'
STRINGS = '<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">{}</sst>'


def declared(document: str) -> bytes:
    """Return a document that multiplies itself by entities."""
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 9))
    return f'<!DOCTYPE x [<!ENTITY e0 "lol">{entities}]>{document}'.encode()


def many_parts(count: int) -> bytes:
    """Return a zip file with a directory of many entries, of which each takes half a kilobyte when it is opened."""
    name = b"[Content_Types].xml"
    entry = b"PK\x01\x02" + b"\0" * 24 + len(name).to_bytes(2, "little") + b"\0" * 16 + name
    end = b"PK\x05\x06" + b"\0" * 4 + b"\xff\xff" * 2 + (len(entry) * count).to_bytes(4, "little") + b"\0" * 6
    return b"PK\x03\x04" + b"\0" * 26 + entry * count + end


def noise(size: int) -> str:
    return random.Random(1).randbytes(size // 2).hex()


def repeated(kind: str, times: int, inside: str) -> str:
    return f'<table:table-row table:number-{kind}s-repeated="{times}">{inside}</table:table-row>'


def bad_files() -> Files:
    """Return {name: (content, what the sentence says)}."""
    text = '<table:table-cell office:value-type="string"{}><text:p>x</text:p></table:table-cell>'
    wide = text.format(' table:number-columns-repeated="1000000"')
    head = {"A": [["tag", "name"], ["x", "y"]]}
    return {
        "empty.csv": (b"", "empty"),
        "blank.csv": (b"\r\n ;;\r\n" * 1000, "no rows"),
        "heading alone.csv": (b"tag,name\n", "no rows below"),
        "million columns.csv": (b"a," * 1_000_000, "columns"),
        "million columns in one row of many lines.csv": (b'"x\n",' * 400_000, "columns"),
        "columns further down.csv": (b"tag,name\n" * 1000 + b"x," * 400_000, "Row 1001 has more than 256 columns"),
        "no line ends.csv": (b"x" * 20_000_000, "longer than"),
        "never closed.csv": (b'tag,name\nA-1,"' + b"x\n" * 5_000_000, "opens in row 2 is never closed"),
        "half a character.csv": ("tag,name\nA-1,x".encode("utf-16") + b"\0", "breaks off"),
        "binary.csv": (random.Random(1).randbytes(100_000), "not text"),
        "binary with zeros.csv": (b"\x7fELF\x02\x01\x01" + b"\0\1\2\3" * 5000, "not text"),
        "page.csv": (b"<!DOCTYPE html><table><tr><td>tag", "web page"),
        "page.xlsx": (b"\xef\xbb\xbf  <html><table>", "web page"),
        "letter.pdf": (b"%PDF-1.7 ...", "PDF"),
        "photo.csv": (b"\x89PNG\r\n\x1a\n", "PNG"),
        "old.xls": (b"\xd0\xcf\x11\xe0" + b"\0" * 600, ".xls"),
        "encrypted.xlsx": (b"\xd0\xcf\x11\xe0" + b"\0" * 600 + "EncryptedPackage".encode("utf-16-le"), "password"),
        "encrypted.ods": (ods(head, META_INF__manifest_xml=b"", **{"META-INF/manifest.xml": b"<m:encryption-data/>"}), "password"),
        "wholly encrypted.ods": (zipped({"mimetype": ODS_TYPE.encode(), "encrypted-package": b"..."}), "password"),
        "macros.xlsm": (zipped(parts_of(SMALL) | {"xl/vbaProject.bin": b""}), "macros"),
        "macros.ods": (ods(head, **{"Basic/script-lc.xml": b"<x/>"}), "macros"),
        "letter.docx": (zipped({"[Content_Types].xml": b"", "word/document.xml": b""}), "Only .xlsx and .ods"),
        "letter.odt": (zipped({"mimetype": b"application/vnd.oasis.opendocument.text", "content.xml": b""}), "Only .xlsx"),
        "binary.xlsb": (zipped({"[Content_Types].xml": b"", "xl/workbook.bin": b""}), "Only .xlsx"),
        "photos.zip": (zipped({"1.jpg": b"..."}), "zip file"),
        "cut off.xlsx": (SMALL[: len(SMALL) // 2], "damaged"),
        "cut off.ods": (ods(head)[:-30], "damaged"),
        "cut off inside.xlsx": (xlsx_with("<row>" + CELL), "damaged"),
        "cut off inside.ods": (ods(head, rows="<table:table-row>"), "damaged"),
        "bomb.xlsx": (xlsx_with("<row/>" * 7_000_000), "expands"),
        "bomb.ods": (ods(head, rows="<table:table-row/>" * 2_000_000), "expands"),
        "many parts.xlsx": (many_parts(200_000), "too"),
        "entities.xlsx": (zipped(parts_of(SMALL) | {"xl/workbook.xml": declared("<x>&e8;</x>")}), "damaged"),
        "entities.ods": (zipped(parts_of(ods(head)) | {"content.xml": declared("<x>&e8;</x>")}), "damaged"),
        "million columns.xlsx": (xlsx_with(f"<row>{CELL * 1_000_000}</row>" + noise(500_000)), "too many columns"),
        "far column.xlsx": (xlsx_with('<row r="1"><c r="ZZZZZ1"><v>1</v></c></row>'), "too many columns"),
        "million columns.ods": (ods(head, rows=repeated("row", 1, wide)), "too many columns"),
        "million rows of a million columns.ods": (ods(head, rows=repeated("row", 1_000_000, wide)), "too many columns"),
        "million rows.ods": (ods(head, rows=repeated("row", 1_000_000, text.format(""))), "more than 50000 rows"),
        "endless blank rows.ods": (ods(head, rows=repeated("row", 9_999_999, "") * 20), "far down"),
        "many rows.xlsx": (xlsx_with(f"<row>{CELL}</row>" * 50_002 + noise(100_000)), "more than 50000 rows"),
        "long text.xlsx": (xlsx_with(f'<row><c t="str"><v>{noise(200_000)}</v></c></row>'), "longer than"),
        "endless text.xlsx": (xlsx_with(f'<row><c t="str"><v>{noise(1_000_000) * 12}</v></c></row>'), "longer than|too large"),
        "endless tag.xlsx": (xlsx_with(f'<row r="{noise(2_000_000) * 4}"/>'), "longer than"),
        "one text in every cell.xlsx": (
            xlsx_with(('<row>' + '<c t="s"><v>0</v></c>' * 9 + "</row>") * 6000, strings=STRINGS.format(f"<si><t>{noise(100_000)}</t></si>").encode()),
            "expands",
        ),
        "deep.xlsx": (xlsx_with("<a>" * 1_000_000 + noise(100_000)), "damaged|too large"),
    }  # fmt: skip


LARGE = "large but good.csv"


@pytest.fixture(scope="module")
def files() -> Files:
    """Return {name: (content, what is said of it)} of the bad files and of one good one of 100 MB."""
    line = ",".join(f"{noise(98)}{column:02}" for column in range(20)) + "\n"
    return bad_files() | {LARGE: ((line * 50_001)[: 100 * 2**20].encode(), "rows")}


@pytest.fixture(scope="module")
def answers(files: Files, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, float, int]]:
    """Return {name: (what was said, seconds, peak of memory)}, found by one process that reads all files."""
    folder = tmp_path_factory.mktemp("files")
    for name, (content, _words) in files.items():
        (folder / name).write_bytes(content)

    done = subprocess.run([sys.executable, "-c", READER, folder], capture_output=True, cwd=Path.cwd(), timeout=120)

    found = {name: (said, seconds, peak) for name, said, seconds, peak in map(orjson.loads, done.stdout.splitlines())}
    assert found.keys() == files.keys(), done.stderr
    return found


def test_every_bad_file_gets_a_sentence_that_fits(files, answers):
    wrong = {
        name: answers[name][0]
        for name, (_content, words) in files.items()
        if not any(word in answers[name][0] for word in words.split("|"))
    }

    assert wrong == {}


def test_every_bad_file_is_answered_within_5_seconds_and_200_megabytes(answers):
    """The peak is that of the process which reads; the kernel holds the one which parses workbooks to `MEMORY`."""
    slow = {name: seconds for name, (_said, seconds, _peak) in answers.items() if seconds > SECONDS and name != LARGE}

    assert slow == {}
    assert max(peak for _said, _seconds, peak in answers.values()) + MEMORY < MEGABYTES * 2**20


def test_a_text_table_of_a_hundred_megabytes_is_read_row_by_row(answers):
    assert answers[LARGE][0] == "50000 rows"
    assert answers[LARGE][2] < 150 * 2**20


def test_a_workbook_whose_texts_exceed_the_memory_of_its_reader_is_read():
    texts = [noise(120_000)] * (MEMORY // 120_000 + 50)
    rows = "".join(f'<row><c t="s"><v>{n}</v></c><c><v>{n}</v></c></row>' for n in range(len(texts)))
    parts = parts_of(xlsx_with(rows)) | {
        "xl/sharedStrings.xml": STRINGS.format("".join(f"<si><t>{t}</t></si>" for t in texts)).encode()
    }
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)

    found = sum(cells == [texts[0], number - 1] for number, cells in read_sheet(file).rows)

    assert found == len(texts) - 1


def what_is_said_of(content: bytes, encoding: str | None = None) -> str:
    """Read a file to its end; return the sentence of a refusal. Any other error is a failure."""
    try:
        for number, cells in read_sheet(io.BytesIO(content), encoding=encoding).rows:
            assert "".join(map(str, cells)).encode(), number
    except UnreadableSheet as error:
        return error.message
    return "It was read."


@given(st.one_of(st.binary(max_size=200), st.text(st.sampled_from('ab1é"\n\r\t,;:|^ '), max_size=80).map(str.encode)))
@settings(max_examples=150, deadline=None)
def test_any_bytes_give_rows_or_a_sentence(content):
    assert what_is_said_of(content).endswith(".")
    assert what_is_said_of("tag,name\nä,ö\n".encode("utf-16") + content).endswith(".")


@given(st.binary(max_size=60), st.sampled_from(sorted(ENCODINGS)))
@example(b"tag,name\nA-1,Lamp\n", "utf-32")
@settings(max_examples=100, deadline=None)
def test_any_bytes_in_a_named_encoding_give_rows_or_a_sentence(content, encoding):
    assert what_is_said_of(content, encoding).endswith(".")


WORKBOOKS = [xlsx({"A1": "tag", "B1": "at", "A2": "x", "B2": 5}), ods({"A": [["tag", "at"], ["x", 5], [True, 0.5]]})]


@given(st.sampled_from(WORKBOOKS), st.data())
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_damage_to_a_workbook_gives_rows_or_a_sentence(book, data):
    parts = parts_of(book)
    name = data.draw(st.sampled_from([name for name in parts if name.endswith((".xml", ".rels"))]))
    content = bytearray(parts[name])
    place = data.draw(st.integers(0, len(content)))
    content[place : place + data.draw(st.integers(0, 8))] = data.draw(st.binary(max_size=8))

    assert what_is_said_of(zipped(parts | {name: bytes(content)})).endswith(".")
    assert what_is_said_of(book[:place] + data.draw(st.binary(max_size=4)) + book[place + 2 :]).endswith(".")
