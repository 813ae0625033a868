"""Copy the browser files we serve from node_modules into static/vendor/, named by their content.

`static/vendor/manifest.json` maps a logical name (`tabler.css`) to the file (`tabler.3f2a91c0d4.css`). Icons keep their
names under `static/vendor/icons/`: the server inlines them, browsers never ask for them.
"""

import hashlib
import json
import re
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ROOT / "node_modules"
TARGET = ROOT / "static" / "vendor"
FILES = {
    "htmx.js": "htmx.org/dist/htmx.min.js",
    "tabler.css": "@tabler/core/dist/css/tabler.min.css",
    "tabler-vendors.css": "@tabler/core/dist/css/tabler-vendors.min.css",
    "tabler.js": "@tabler/core/dist/js/tabler.min.js",
    "tom-select.css": "tom-select/dist/css/tom-select.bootstrap5.min.css",
    "tom-select.js": "tom-select/dist/js/tom-select.complete.min.js",
    "swagger-ui.css": "swagger-ui-dist/swagger-ui.css",
    "swagger-ui.js": "swagger-ui-dist/swagger-ui-bundle.js",
    "inter-latin.woff2": "@fontsource-variable/inter/files/inter-latin-wght-normal.woff2",
    "inter-latin-ext.woff2": "@fontsource-variable/inter/files/inter-latin-ext-wght-normal.woff2",
}
FONT_SHEET = "@fontsource-variable/inter/wght.css"
FONT_FACES = {
    "inter-latin-wght-normal.woff2": "inter-latin.woff2",
    "inter-latin-ext-wght-normal.woff2": "inter-latin-ext.woff2",
}
ICONS = "@tabler/icons/icons/outline"
SOURCE_MAP = re.compile(rb"(?m)^(/\*|//)# sourceMappingURL=.*$\n?")


def store(target: Path, name: str, content: bytes) -> str:
    """Write a file under a name that carries the hash of its content, and return that name."""
    stem, dot, suffix = name.rpartition(".")
    hashed = f"{stem}.{hashlib.sha256(content).hexdigest()[:10]}{dot}{suffix}"
    (target / hashed).write_bytes(content)
    return hashed


def font_sheet(sheet: str, manifest: dict[str, str]) -> bytes:
    """Return the @font-face rules of the subsets we serve, pointing at their hashed files."""
    kept = []
    for rule in re.findall(r"@font-face\s*{[^}]*}", sheet):
        source = re.search(r"url\(\./files/([^)]+)\)", rule)
        if source and source[1] in FONT_FACES:
            kept.append(rule.replace(f"./files/{source[1]}", manifest[FONT_FACES[source[1]]]))
    if len(kept) != len(FONT_FACES):
        raise SystemExit(f"{FONT_SHEET} no longer has the subsets we expect")
    return "\n".join(kept).encode() + b"\n"


def vendor(packages: Path, target: Path) -> dict[str, str]:
    """Fill `target` afresh and return its manifest."""
    fresh = target.with_name(target.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    manifest = {
        name: store(fresh, name, SOURCE_MAP.sub(b"", (packages / source).read_bytes()))
        for name, source in FILES.items()
    }
    manifest["inter.css"] = store(fresh, "inter.css", font_sheet((packages / FONT_SHEET).read_text(), manifest))
    shutil.copytree(packages / ICONS, fresh / "icons")
    (fresh / "manifest.json").write_text(json.dumps(manifest, indent=2, sort_keys=True) + "\n")
    shutil.rmtree(target, ignore_errors=True)
    fresh.rename(target)
    return manifest


if __name__ == "__main__":
    if not PACKAGES.is_dir():
        sys.exit("node_modules is missing: run bin/setup")
    vendor(PACKAGES, TARGET)
