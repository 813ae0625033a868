"""Telling encodings apart: by marks and zero bytes, by valid UTF-8, and by what high bytes spell."""

import io

import pytest

from webapp.imports.charset import ENCODINGS, detect_encoding, known_encoding, reading_of
from webapp.imports.unreadable import UnreadableSheet

LISTS = {
    "German": "Gerät;Raum\nDrehstühle;Büro Süd\nPrüfgerät groß;Außenstelle Köln\n",
    "German capitals": "GERÄT;STRASSE\nGEHÄUSE;KÖNIGSALLEE\n",
    "one German word": "tag;name\n1;Säule\n",
    "French": "Désignation;Hôpital\nCâble réseau;L’école de Besançon\nÉcran;À côté\n",
    "one French word": "tag,name\n1,Perforé\n",
    "Spanish": "Descripción;Ubicación\nImpresora láser;Logroño\nVehículo nº 7;Málaga\n",
    "Portuguese": "Descrição;Edifício\nEstação de trabalho;Évora\nProteção;João\n",
    "Italian": "Quantità;Unità\n2;perché è così\n",
    "Swedish": "Föremål;Plats\nKärra;Växjö\nRör på hjul;Öland\n",
    "Norwegian": "Gjenstand;Sted\nMåler;Tromsø\nKjøleskap;Ålesund\n",
    "Finnish": "Määrä;Hylly\n3;Hämeenlinna\n",
    "Dutch": "Categorie;Coördinator\nFinanciën;André\n",
    "quotation marks": "name,note\nScreen – 24 inch,“Very” good… isn’t it\n",
    "a price": "name,price\nScreen,€ 250\nMouse,€ 20\n",
    "pounds and degrees": "name,price\nHeater 40°,£25\n",
}


@pytest.mark.parametrize("text", LISTS.values(), ids=LISTS)
@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "mac_roman", "utf-16-le", "utf-16-be"])
def test_lists_are_read_in_the_encoding_they_were_written_in(text, encoding):
    assert detect_encoding(io.BytesIO(text.encode(encoding))) == encoding


@pytest.mark.parametrize("text", ["τίτλος,όνομα\n1,κάμερα\n", "название,цена\nкамера,5\n", "名称,価格\nカメラ,5\n"])
def test_other_scripts_are_found_in_unicode_without_a_mark(text):
    for encoding in ("utf-8", "utf-16-le", "utf-16-be"):
        assert detect_encoding(io.BytesIO(text.encode(encoding))) == encoding


def test_stray_bytes_among_good_letters_are_read_as_windows_writes_them():
    content = ("Größe für Köln\n" * 20).encode() + "Müller".encode("cp1252")

    codec, errors = reading_of(detect_encoding(io.BytesIO(content)))

    assert content.decode(codec, errors).splitlines()[-1] == "Müller"


def test_every_offered_encoding_has_a_name_and_reads():
    for encoding, name in ENCODINGS.items():
        codec, errors = reading_of(encoding)
        assert str(name)
        assert known_encoding(encoding.upper()) == encoding
        assert "tag,1".encode(codec).decode(codec, errors) == "tag,1"


@pytest.mark.parametrize(
    ("name", "encoding"), [("latin1", "cp1252"), ("macintosh", "mac_roman"), ("UTF8", "utf-8"), ("sjis", "cp932")]
)
def test_other_names_of_an_encoding_are_understood(name, encoding):
    assert known_encoding(name) == encoding


@pytest.mark.parametrize("content", [b"\x7fELF" + b"\0\1" * 90, bytes(range(32)) * 9, b"\0" * 90, b"a\0\0\0b,c" * 50])
def test_what_is_no_text_is_said_to_be_none(content):
    with pytest.raises(UnreadableSheet, match="not text"):
        detect_encoding(io.BytesIO(content))
