"""How the house is built: who may import whom, what only one place may do, how big things may get."""

import ast
import io
import re
import subprocess
import sys
import tokenize
from pathlib import Path

import pytest

from tests.factories import CHANGES, FACTORIES, RESOURCES
from webapp import FEATURES

ROOT = Path(__file__).resolve().parent.parent
WEBAPP = sorted((ROOT / "webapp").rglob("*.py"))
SOURCES = [*WEBAPP, *sorted((ROOT / "migrations").rglob("*.py")), ROOT / "config.py", ROOT / "wsgi.py"]
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
# Lowest first; imports go downhill only (D9).
ORDER = (
    "places", "people", "accounts", "catalog", "assets", "maintenance", "stock", "licenses", "custody", "audits",
    "shipments", "agreements", "documents", "labels", "telemetry", "imports", "webhooks", "reports", "archives", "dialects", "demo",
)  # fmt: skip
USUAL = {"__init__", "models", "rules", "resources", "pages", "api", "jobs", "cli"}
# What a feature has beside the usual files, and why.
DOCUMENTED = {
    "accounts": {
        "devices": "what a browser calls itself, in words",
        "gate_pages": "pages in front of the door: forgotten password, code, invitation",
        "invitations": "rules of asking somebody in",
        "letters": "the letters that accounts send",
        "log": "the log, read on from a place in it: all that only reads",
        "log_api": "the log through the API: a subject by itself",
        "numbering": "rules of asset tags and serial numbers, on the organization's own row",
        "organization_pages": "the settings' page of the organization",
        "profile": "rules of what people say of themselves, and of their sessions",
        "profile_pages": "one's own pages: profile, sessions, second factor",
        "resets": "rules of a forgotten password",
        "sealing": "how the second factor's secret and codes are kept",
        "sign_ins": "rules of signing in without a browser: sessions, their tokens",
        "usage": "what keys ask, counted by day",
        "second_factor": "rules of TOTP and recovery codes",
        "uniqueness": "unique values that a setting switches on and off",
        "throttles": "tries an account and an address, over all workers",
        "choices": "the lists of currencies, zones and languages that schemas and forms share",
        "entry": "the check in front of every page: who is there",
        "forms": "forms over no resource: sign-in, first run, password",
        "founding": "how an organization comes to be; the page, the command and the tests call it",
        "key_pages": "the settings' pages of keys",
        "member_pages": "the settings' pages of members and invitations",
        "passwords": "argon2id, and no more of them at once than cores",
        "setting_frame": "what the settings' pages share",
    },
    "assets": {
        "containers": "things inside things, which go where their container goes",
        "dashboard": "the figures and cards of the first page",
        "panels": "what stands on an asset's page beside its facts",
        "valuation": "book values as accounting texts reckon them, pure functions",
        "worth": "what many things are worth together, over twelve months",
    },
    "places": {"merge": "one thing takes over what refers to another, for places and every feature above"},
    "people": {"panels": "the people whom other pages name: reports, a department's, a company's"},
    "catalog": {
        "custom_fields": "fields of an organization's own, and their sets: a subject by itself",
        "panels": "the parts of a category on its page",
    },
    "imports": {
        "ancestry": "rows of a file that name each other",
        "carrying": "who has a thing, kept for check-outs",
        "charset": "which encoding a text file has",
        "completing": "what a new row says without saying it",
        "dates": "which order of day and month a column has",
        "delimited": "tables of text: encoding, delimiter, rows",
        "describing": "planned rows as an import keeps them",
        "downloads": "the rows of an import, and what an undo kept, as files",
        "finding": "which living thing a row is about",
        "foreseen": "what a check found out, kept for the apply that follows it",
        "flags": "yes and no in many languages",
        "lookups": "rows by the names that a file uses",
        "making": "rows that were only pretended, made",
        "mapping": "which column means what",
        "mapping_api": "kept mappings through the API: a subject by itself",
        "mapping_pages": "the page of kept mappings",
        "mappings": "rules of kept mappings",
        "mending": "rules of rows that are mended or skipped by hand",
        "number_formats": "what a workbook's formats make of its numbers",
        "options": "what somebody chose for an import",
        "parse_workbook": "the child process that opens a workbook within limits",
        "planner": "what each row will do",
        "presenting": "what the pages show of an import",
        "presenting_rows": "what they show of its rows",
        "reading": "the stored file as rows",
        "resolving": "ids for the names of a row",
        "row_pages": "one row in the page: mended, skipped",
        "schemas": "what the API and its document say of imports",
        "sheets": "one table, whatever the file is",
        "sources": "what a file looks like under given options",
        "standing": "how far imports are, and who sees which: all that only reads",
        "synonyms": "data: what people and other programs call our fields",
        "targets": "what may be imported into, field by field",
        "unreadable": "why a file cannot be read",
        "values": "what a cell's text means",
        "work": "an import with what reads and plans its rows, for jobs and for who mends",
        "workbook": "workbooks, read in a child process",
        "workbook_archive": "the zip file around a workbook, in the child process",
        "workbook_ods": "the XML of ODS, in the child process",
        "workbook_xlsx": "the XML of XLSX, in the child process",
    },
    "webhooks": {
        "events": "which events there are, and which a pattern covers",
        "notices": "the letter about a webhook that was switched off",
        "outbox": "the log, read on from a cursor, as messages",
        "presenting": "what the pages show of a webhook and its messages",
        "sending": "one message on its way out",
        "signing": "how the secret is made, kept and used",
        "turns": "what a webhook does next: note, read on, choose",
        "wording": "the words that schemas, pages and letters share",
    },
    "reports": {
        "asking": "a list's query string, as an export keeps and parses it",
        "presenting": "what pages and letters say of an export",
        "rights": "whose rights a run has, looked up each time",
        "schedules": "when an export is due, pure reckoning with a clock",
    },
    "archives": {
        "backup": "`bin/backup`: the installation in one file",
        "carried": "which tables and columns an archive has, and what each means to it",
        "container": "the file itself: parts, digests, limits",
        "encoding": "rows as JSON and back, checked value by value",
        "incoming": "an archive turned into an organization",
        "outgoing": "an organization turned into an archive",
        "remapping": "old ids turned into new ones",
        "restore": "`bin/restore`: the installation out of that file",
    },
    "demo": {
        "books": "writes what happened by the rules, in the name of whoever did it",
        "catalog": "data: categories, makers, depreciations, custom fields",
        "diary": "what happens on which day, and what came of it",
        "fleet": "which things there are",
        "happenings": "data: expeditions, audits, corrections",
        "history": "the year, played day by day",
        "loader": "what `flask demo load` does",
        "own_fields": "what stands in the custom fields",
        "people": "data: companies, departments, people, members",
        "places": "data: sites and what stands in them",
        "products": "data: real models with their prices",
        "records": "data: customers and suppliers",
        "setting_up": "what an organization begins with",
    },
}
# The parts that may speak SQL.
DATABASE = {"schema", "core"}
NAMELESS = {"utils", "helpers", "misc", "common", "manager", "handler", "handlers", "managers"}
LINES_A_FILE, LINES_OF_CORE, LINES_OF_FACES, LINES_OF_CREATE_APP = 450, 5_000, 5_700, 120


def module_of(path):
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def tree_of(path):
    return ast.parse(path.read_text(), str(path))


def imports_of(path):
    """Return the modules that a file imports, wherever in it."""
    found = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def calls_of(path):
    """Return (name of what is called, its line) of every call in a file."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            yield name, node.lineno


def part_of(module):
    """Return the part of the program that a module belongs to: core, faces, a feature; None for what is not ours."""
    parts = module.split(".")
    return parts[1] if parts[0] == "webapp" and len(parts) > 1 else None


def may_use(part):
    """Return the parts that a part may import from."""
    if part == "schema":
        return {"schema"}
    below = ("schema", "core", "edge", "faces")
    if part in below:
        return {*below[: below.index(part) + 1]}
    return {*below, *ORDER[: ORDER.index(part) + 1]}


def code_lines(path):
    """Return the numbers of the lines that hold code: no blank lines, no comments, no docstrings."""
    text = path.read_text()
    told = set()
    for node in ast.walk(ast.parse(text)):
        body = getattr(node, "body", None)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and body and ast.get_docstring(node):
            told |= set(range(body[0].lineno, body[0].end_lineno + 1))
    empty = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return {n for t in tokens if t.type not in empty for n in range(t.start[0], t.end[0] + 1)} - told


def lines_with(pattern, files):
    """Return `file:line: text` of every line that a pattern fits."""
    wanted = re.compile(pattern)
    return [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in files
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if wanted.search(line)
    ]


def test_the_features_stand_in_their_order():
    assert list(FEATURES) == [name for name in ORDER if name in FEATURES]
    assert {path.name for path in (ROOT / "webapp").iterdir() if (path / "__init__.py").exists()} == {
        "schema",
        "core",
        "edge",
        "faces",
        *FEATURES,
    }


def test_imports_go_downhill():
    uphill = {}
    for path in WEBAPP:
        part = part_of(module_of(path))
        if part not in (None, "cli"):
            used = {part_of(name) for name in imports_of(path) if name.startswith("webapp")}
            uphill[module_of(path)] = used - may_use(part)

    assert {name: found for name, found in uphill.items() if found} == {}


@pytest.mark.parametrize("path", [path for path in WEBAPP if path.name == "rules.py"], ids=module_of)
def test_rules_know_no_request_and_commit_nothing(path):
    used, called = imports_of(path), {name for name, _line in calls_of(path)}

    web = {name for name in used if name.startswith(("flask", "werkzeug", "wtforms", "webapp.faces"))}
    assert web <= {"flask_babel.gettext", "flask_babel.lazy_gettext", "flask_babel.ngettext"}
    assert "webapp.core.context.current_context" not in used
    assert not called & {"commit", "utcnow", "now", "today"}


@pytest.mark.parametrize("path", [path for path in WEBAPP if path.name == "models.py"], ids=module_of)
def test_models_know_core_alone(path):
    assert {part_of(name) for name in imports_of(path)} <= {None, "core", part_of(module_of(path))}
    assert not {name for name in imports_of(path) if name.startswith("flask")}


def test_core_knows_no_templates_and_no_forms():
    for path in (ROOT / "webapp" / "core").glob("*.py"):
        used = imports_of(path)
        assert not {name for name in used if name.startswith(("flask_wtf", "wtforms"))}, path
        assert "flask.render_template" not in used, path


def test_sql_by_hand_is_written_in_core_and_in_migrations_only():
    """Models may give predicates of indexes as text."""
    outside = [path for path in WEBAPP if part_of(module_of(path)) not in DATABASE and path.name != "models.py"]

    for path in outside:
        found = [call for call in calls_of(path) if call[0] in {"text", "exec_driver_sql", "literal_column"}]
        assert not [call for call in found if "sqlalchemy.text" in imports_of(path) or call[0] != "text"], path


def test_no_statement_goes_around_the_first_wall():
    """Connections and bulk writes of the ORM pass no session event, so that only core may use them."""
    around = {"bulk_save_objects", "bulk_insert_mappings", "bulk_update_mappings", "raw_connection"}
    for path in WEBAPP:
        if part_of(module_of(path)) not in DATABASE:
            assert not around & {name for name, _line in calls_of(path)}, path
            assert lines_with(r"connection\(\)\s*\.(?:execute|scalar)", [path]) == []


def test_only_sessions_of_their_own_are_committed_outside_core():
    """A request commits once, in the application; jobs commit their steps; what makes a session ends it."""
    allowed = {
        "webapp",
        "webapp.accounts.founding",
        "webapp.accounts.cli",
        "webapp.accounts.usage",
        "webapp.demo.books",
        "webapp.demo.loader",
        "webapp.demo.setting_up",
    }
    for path in WEBAPP:
        if part_of(module_of(path)) not in DATABASE and module_of(path) not in allowed and path.name != "jobs.py":
            assert "commit" not in {name for name, _line in calls_of(path)}, path


def test_requests_to_elsewhere_are_made_in_one_place():
    clients = ("requests", "httpx", "aiohttp", "urllib3", "urllib.request", "http.client", "socket", "ftplib")
    for path in WEBAPP:
        found = {name for name in imports_of(path) if name.startswith(clients)}
        assert not found or module_of(path) == "webapp.edge.fetch", path


def test_the_web_process_loads_nothing_before_it_is_needed(tmp_path):
    # Each of them is megabytes in every process: sheets, pictures, ciphers, migrations, stores, the demo's tables.
    heavy = {"weasyprint", "pyhanko", "pandas", "numpy", "PIL", "xlsxwriter", "python_calamine", "cryptography"}
    heavy |= {"joserfc", "alembic", "mako", "fsspec", "redis", "webapp.demo.loader"}
    program = (
        "import os, sys; os.environ['INSTANCE_DIR'] = sys.argv[1]\n"
        "os.environ['DATABASE_URL'] = f'sqlite:///{sys.argv[1]}/q.sqlite3'\n"
        "from webapp import create_app; create_app()\n"
        f"print([name for name in sys.modules if name in {heavy}])"
    )

    done = subprocess.run([sys.executable, "-c", program, tmp_path], cwd=ROOT, capture_output=True, text=True)

    assert done.stdout.strip() == "[]", done.stderr


def tracked(*patterns):
    """Return the committed files that some patterns fit."""
    done = subprocess.run(["git", "ls-files", "--", *patterns], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_nothing_of_others_is_committed():
    assert tracked("static/vendor", "node_modules", "*.mo", "*.min.js", "*.min.css", "*.woff2") == []


def test_no_secret_and_no_data_is_committed():
    assert tracked("instance", ".venv", "*.sqlite3", "*.db", ".env", "*.pem", "*.key", "*.p12") == []


@pytest.mark.parametrize(
    "pattern",
    [r"<script(?![^>]*\bsrc=)", r"<style\b", r"\sstyle\s*=", r"\s(?<!data-)on[a-z]+\s*=\s*[\"']", r"javascript:", r"\|\s*safe\b"],
)  # fmt: skip
def test_templates_hold_no_behavior_and_no_style(pattern):
    assert lines_with(pattern, TEMPLATES) == []


def test_templates_open_with_what_they_are_given():
    bare = [str(path.relative_to(ROOT)) for path in TEMPLATES if not path.read_text().lstrip().startswith("{#")]

    assert bare == []


def test_every_word_of_a_template_is_wrapped_for_translation():
    """What is left without tags, expressions and comments has no letters but those of entities."""
    expressions = re.compile(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}|<!--.*?-->|<[^>]*>|&\w+;|/[\w./-]+", re.DOTALL)
    bare = {path.name: re.findall(r"[^\W\d_]{2,}", expressions.sub(" ", path.read_text())) for path in TEMPLATES}

    found = {name: [word for word in words if word not in NAMES] for name, words in bare.items()}
    assert {name: words for name, words in found.items() if words} == NOT_WORDS


NAMES = {"Quartermaster", "API", "OpenAPI"}
NOT_WORDS = {"setup.html": ["is", "wide"]}  # a class


def test_words_in_attributes_are_wrapped_for_translation():
    spoken = r"\b(?:aria-label|title|placeholder|alt)=\"[^\"{]*[^\W\d_]{2,}[^\"{]*\""

    assert lines_with(spoken, TEMPLATES) == []


def test_a_file_stays_readable():
    sizes = {module_of(path): len(path.read_text().splitlines()) for path in WEBAPP}

    assert {name: lines for name, lines in sizes.items() if lines > LINES_A_FILE} == {}


def test_core_and_faces_stay_within_their_budgets():
    sizes = dict.fromkeys(("core", "faces"), 0)
    for part in sizes:
        sizes[part] = sum(len(code_lines(path)) for path in (ROOT / "webapp" / part).glob("*.py"))

    assert sizes["core"] <= LINES_OF_CORE
    assert sizes["faces"] <= LINES_OF_FACES
    assert len(code_lines(ROOT / "webapp" / "__init__.py")) < LINES_OF_CREATE_APP


def test_a_feature_holds_the_usual_files_or_says_why():
    for feature in FEATURES:
        files = {path.stem for path in (ROOT / "webapp" / feature).glob("*.py")}
        assert files - USUAL == set(DOCUMENTED.get(feature, {})), feature


def test_everything_has_a_name():
    assert [path for path in WEBAPP if path.stem in NAMELESS or path.parent.name in NAMELESS] == []


def test_whatever_is_switched_off_says_why():
    comments = r"#\s*(?:type: ignore|noqa)"
    reasoned = r"# (?:type: ignore\[[\w, -]+\]|noqa: [A-Z0-9, ]+)(?: # noqa: [A-Z0-9, ]+)?\s+[#a-z\"`]*.{5,}"
    silent = [line for line in lines_with(comments, SOURCES) if not re.search(reasoned, line)]

    assert silent == []


def test_a_broad_except_raises_again_or_says_why():
    for path in SOURCES:
        lines = path.read_text().splitlines()
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.ExceptHandler) and getattr(node.type, "id", "") in {
                "",
                "Exception",
                "BaseException",
            }:
                again = any(isinstance(inner, ast.Raise) and inner.exc is None for inner in ast.walk(node))
                broad = node.type is None or isinstance(node.type, ast.Name)
                said = "# " in lines[node.lineno - 1] or "logger.exception" in lines[node.lineno]
                assert not broad or again or said, f"{path}:{node.lineno}"


def test_nothing_is_left_to_do_without_a_reason():
    left = lines_with(r"\b(?:TODO|FIXME|HACK)\b", [*SOURCES, *TEMPLATES, *(ROOT / "static" / "js").glob("*.js")])

    assert [line for line in left if not re.search(r"TODO\([a-z]+\): .{10,}", line)] == []


def test_public_things_say_what_they_do():
    for path in SOURCES:
        tree = tree_of(path)
        classes = [node for node in tree.body if isinstance(node, ast.ClassDef) and not node.name.startswith("_")]
        inner = [node for parent in classes for node in parent.body]
        for node in [tree, *tree.body, *inner]:
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                name = getattr(node, "name", "module")
                if (not name.startswith("_") and path.name != "__init__.py") or name == "module":
                    text = ast.get_docstring(node) or ("." if not tree.body else "")
                    assert text.partition("\n\n")[0].endswith((".", "?")), f"{path}: {name}"


def test_every_resource_has_its_factory_and_a_change():
    writable = {name for name, resource in RESOURCES.items() if "update" in resource.api}

    assert set(FACTORIES) == set(RESOURCES)
    assert set(CHANGES) == writable
