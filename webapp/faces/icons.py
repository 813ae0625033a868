"""What pages refer to under static/: inline icons, packages named by their content, our own files with their hash."""

import hashlib
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

from flask import Flask, current_app, url_for
from markupsafe import Markup

_INNER = re.compile(r"<svg[^>]*>(.*)</svg>", re.DOTALL)
_CANVAS = re.compile(r'<path stroke="none" d="M0 0h24v24H0z"[^>]*/>')
_OUTLINE = Markup('<svg class="icon{}" viewBox="0 0 24 24" aria-hidden="true">{}</svg>')


@cache
def _element(folder: str, name: str, size: str) -> Markup:
    """Return an icon's element; raises FileNotFoundError, which is not remembered, when there is no such icon."""
    found = _INNER.search(Path(folder, "vendor", "icons", f"{name}.svg").read_text())
    drawing = " ".join(_CANVAS.sub("", found[1]).split()) if found else ""
    return _OUTLINE.format(f" icon-{size}" if size else "", Markup(drawing))  # noqa: S704 a vendored file


def icon(name: str, size: str = "") -> Markup:
    """Return an outline icon as inline SVG, hidden from screen readers; size is "", "sm" or "xs"."""
    try:
        return _element(str(current_app.static_folder), name, size)
    except FileNotFoundError:
        return _OUTLINE.format("", "")


@cache
def _manifest(path: Path, _changed: int) -> dict[str, str]:
    return dict(json.loads(path.read_text()))


def vendor(name: str) -> str:
    """Return the address of a browser package's file by its logical name (`tabler.css`)."""
    path = Path(str(current_app.static_folder), "vendor", "manifest.json")
    files = _manifest(path, path.stat().st_mtime_ns) if path.is_file() else {}
    return url_for("static", filename=f"vendor/{files.get(name, name)}")


@cache
def _hash_of(path: Path, _changed: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:10]


def asset_url(name: str) -> str:
    """Return the address of one of our own files, with a hash of its content so that it may be cached for good."""
    path = Path(str(current_app.static_folder), name)
    return url_for("static", filename=name, v=_hash_of(path, path.stat().st_mtime_ns))


def init_app(app: Flask) -> None:
    """Give templates `icon`, `vendor` and `asset_url`."""
    known: dict[str, Any] = {"icon": icon, "vendor": vendor, "asset_url": asset_url}
    app.jinja_env.globals.update(known)
