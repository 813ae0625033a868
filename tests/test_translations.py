"""The catalogues say everything that the program says, with the same placeholders, in every language it offers."""

import re
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po

ROOT = Path(__file__).resolve().parent.parent
CATALOGUES = ROOT / "webapp" / "translations"
LANGUAGES = ("de", "es")
KEYWORDS = {"_": None, "_l": None, "gettext": None, "ngettext": (1, 2), "lazy_gettext": None, "_n": (1, 2)}
PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]|%%")


def catalogue_of(language):
    with (CATALOGUES / language / "LC_MESSAGES" / "messages.po").open("rb") as file:
        return read_po(BytesIO(file.read()), locale=language)


@pytest.fixture(scope="module")
def said():
    """Every text that the program and its templates wrap: a string, or (one, several)."""
    with (ROOT / "babel.cfg").open() as file:
        methods, options = parse_mapping_cfg(file)
    rows = extract_from_dir(ROOT, methods, options, KEYWORDS, directory_filter=is_ours)
    return {text if isinstance(text, str) else tuple(text[:2]) for _file, _line, text, *_rest in rows}


def is_ours(folder):
    return Path(folder).name in {"webapp", "templates"} or {"webapp", "templates"} & set(Path(folder).parts)


def texts_of(message):
    return message.id if isinstance(message.id, tuple) else (message.id,)


def translations_of(message):
    return message.string if isinstance(message.string, tuple) else (message.string,)


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_left_untranslated(language, said):
    catalogue = catalogue_of(language)

    unsaid = [
        text for text in said if text not in catalogue and (not isinstance(text, tuple) or text[0] not in catalogue)
    ]
    empty = [message.id for message in catalogue if message.id and not all(translations_of(message))]

    assert sorted(map(str, unsaid)) == []
    assert empty == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_stands_in_a_catalogue_that_nobody_says_any_more(language, said):
    known = {text for item in said for text in (item if isinstance(item, tuple) else (item,))}

    assert [message.id for message in catalogue_of(language) if message.id and texts_of(message)[0] not in known] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_translations_have_the_placeholders_of_the_original(language):
    wrong = []
    for message in catalogue_of(language):
        wanted = {frozenset(PLACEHOLDER.findall(text)) for text in texts_of(message)}
        for text in translations_of(message):
            given = frozenset(PLACEHOLDER.findall(text))
            if message.id and given not in wanted:
                wrong.append((message.id, text))

    assert wrong == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_translation_waits_for_somebody_to_look_at_it(language):
    assert [message.id for message in catalogue_of(language) if message.id and message.fuzzy] == []
