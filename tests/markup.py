"""Pages as tests read them: their words, and their forms as a browser would send them back."""

import re
from html import unescape
from html.parser import HTMLParser

from werkzeug.test import TestResponse

ERROR = re.compile(r'id="([\w-]+)-error">.*?<span>(.*?)</span>', re.DOTALL)
Fields = dict[str, list[str]]


class Page(HTMLParser):
    """A parsed page: `text`, `forms` by action, and `errors` by the id of their field."""

    def __init__(self, response: TestResponse) -> None:
        super().__init__()
        self.html = response.get_data(as_text=True)
        self.words: list[str] = []
        self.forms: dict[str, Fields] = {}
        self.errors = {name: unescape(text) for name, text in ERROR.findall(self.html)}
        self._form: Fields = {}
        self._select: tuple[str, bool, list[tuple[str, bool]]] | None = None
        self._textarea: str | None = None
        self.feed(self.html)

    @property
    def text(self) -> str:
        """Return what the page says, in one line."""
        return " ".join(" ".join(self.words).split())

    @property
    def form(self) -> Fields:
        """Return the form that a page is about: the one with the most fields."""
        return max(self.forms.values(), key=len)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a form or one of its controls."""
        found = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._form = self.forms.setdefault(found.get("action", ""), {})
        elif tag == "input" and "name" in found:
            if found.get("type") not in {"checkbox", "radio"} or "checked" in found:
                self._form.setdefault(found["name"], []).append(found.get("value", ""))
        elif tag == "textarea":
            self._textarea = found["name"]
            self._form[self._textarea] = [""]
        elif tag == "select":
            self._select = (found["name"], "multiple" in found, [])
        elif tag == "option" and self._select:
            self._select[2].append((found.get("value", ""), "selected" in found))

    def handle_endtag(self, tag: str) -> None:
        """Close a form or a control: a select sends what is selected, or its first option."""
        if tag == "form":
            self._form = {}
        elif tag == "textarea" and self._textarea:
            self._form[self._textarea] = [self._form[self._textarea][0].removeprefix("\r").removeprefix("\n")]
            self._textarea = None
        elif tag == "select" and self._select:
            name, multiple, options = self._select
            selected = [value for value, is_selected in options if is_selected]
            self._form.setdefault(name, []).extend(selected or ([] if multiple else [v for v, _ in options[:1]]))
            self._select = None

    def handle_data(self, data: str) -> None:
        """Collect the words."""
        self.words.append(data)
        if self._textarea:
            self._form[self._textarea][0] += data
