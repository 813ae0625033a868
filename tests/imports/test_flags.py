"""Reading yes and no in many languages, and saying so when nobody can tell."""

import pytest

from tests.imports.conftest import Importer
from webapp.imports.flags import CONTESTED, LANGUAGES, detect_flag, parse_flag
from webapp.imports.values import UnreadableValue


@pytest.mark.parametrize(
    ("yes", "no"),
    [
        ("Yes", "No"), ("TRUE", "false"), ("on", "off"), ("Ja", "Nein"), ("wahr", "FALSCH"), ("oui", "non"), ("Vrai", "Faux"),
        ("sí", "no"), ("Sì", "no"), ("si", "no"), ("VERDADERO", "FALSO"), ("sim", "Não"), ("ja", "nee"), ("tak", "nie"),
        ("ano", "ne"), ("áno", "nie"), ("da", "ne"), ("ja", "nej"), ("ja", "nei"), ("kyllä", "ei"), ("igen", "nem"), ("da", "nu"),
        ("evet", "hayır"), ("Ναι", "Όχι"), ("Да", "Нет"), ("так", "ні"), ("はい", "いいえ"), ("是", "否"), ("예", "아니요"),
        ("نعم", "لا"), ("כן", "לא"), ("हाँ", "नहीं"), ("ya", "tidak"), ("✓", "✗"), ("x", "-"), ("1", "0"), (1, 0), (True, False),
        ("-1", "0"), ("1.0", 0.0), ("١", "٠"), ("o", "n"), ("J", "N"), ("S", "N"), ("д", "н"), ("有", "無"),
    ],
)  # fmt: skip
def test_flags_are_read_in_many_languages(yes, no):
    way = detect_flag([yes, no, ""])

    assert (parse_flag(yes, way), parse_flag(no, way), parse_flag("", way), parse_flag(" ")) == (
        True,
        False,
        None,
        None,
    )


@pytest.mark.parametrize("name", LANGUAGES)
def test_a_language_says_yes_and_no_in_different_words(name):
    yes, no = (set(words.split()) for words in LANGUAGES[name])

    assert yes
    assert no
    assert not yes & no


def test_a_short_word_means_what_the_other_words_of_its_column_say():
    finnish, turkish, indonesian = detect_flag("kek"), detect_flag(["e", "h", "E"]), detect_flag(["ya", "t", "tidak"])

    assert (finnish, turkish, indonesian) == ("fi", "tr", "id")
    assert [parse_flag("e", finnish), parse_flag("E", turkish), parse_flag("t", indonesian)] == [False, True, False]
    assert detect_flag(["t", "f", ""]) == "en"
    assert detect_flag(["○", "×"]) == "circles"
    assert [parse_flag(cell, "circles") for cell in "○×x"] == [True, False, False]


@pytest.mark.parametrize(
    ("cells", "doubtful"),
    [(["e", "x"], "e"), (["t", "e"], "t"), (["o", "x", ""], "o"), (["o", "x"], "x"), (["t", "zz"], "t")],
)
def test_a_word_that_could_mean_both_is_an_error_that_says_so(cells, doubtful):
    with pytest.raises(UnreadableValue, match=f"“{doubtful}” means yes to some and no to others"):
        parse_flag(doubtful, detect_flag(cells))


def test_only_a_few_words_are_doubtful_and_only_they_need_their_column():
    assert {"e", "t"} == CONTESTED
    assert detect_flag(["yes", "n", "oui", 1, True]) is None


@pytest.mark.parametrize("cell", ["perhaps", "NO2", "CO", "2", 2, "yes/no", "0.5"])
def test_what_is_no_flag_is_quoted_in_the_error(cell):
    with pytest.raises(UnreadableValue, match=f"“{cell}” is neither yes nor no"):
        parse_flag(cell)


def test_a_column_of_an_import_is_judged_over_all_its_rows(importer: Importer):
    head = "Tag,Category,Location,Status,Maintenance enabled\n"
    finnish = importer.upload(f"{head}A-1,,,,k\nA-2,,,,e\nA-3,,,,\n")
    doubtful = importer.upload(f"{head}A-1,,,,x\nA-2,,,,e\n")

    assert not any("maintenance_enabled" in row["errors"] for row in importer.rows(finnish))
    errors = [row["errors"].get("maintenance_enabled", [""])[0] for row in importer.rows(doubtful)]
    assert errors[0] == ""
    assert "means yes to some and no to others" in errors[1]
