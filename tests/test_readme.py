"""What the README says about adding a resource is done here, word for word, to a copy of the repository."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory

from webapp.schema.migrate import MIGRATIONS

ROOT = Path(__file__).resolve().parent.parent
COPIED = ("webapp", "templates", "migrations", "tests", "config.py", "wsgi.py", "pyproject.toml")
STEP = re.compile(r"^\d\. `(?P<file>[^`]+)`.*?\n   ```python\n(?P<code>.*?)\n   ```$", re.MULTILINE | re.DOTALL)
SUITES = (
    "tests/test_every_resource.py",
    "tests/core/test_every_list.py",
    "tests/faces/test_every_page.py",
    "tests/core/test_every_batch.py",
)
UPGRADE_EQUALS_MODELS = "tests/test_migrations.py::test_what_migrations_make_is_what_models_say"


def steps():
    text = (ROOT / "README.md").read_text().partition("### Add a resource")[2].partition("\n## ")[0]
    return {m["file"]: "\n".join(line[3:] for line in m["code"].split("\n")) for m in STEP.finditer(text)}


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A copy of the repository in which the README's steps have been done."""
    folder = tmp_path_factory.mktemp("readme")
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / name)
    (folder / "static").symlink_to(ROOT / "static")
    head = ScriptDirectory(str(MIGRATIONS)).get_current_head()
    for file, code in steps().items():
        before = (folder / file).read_text() + "\n\n" if (folder / file).exists() else ""
        (folder / file).write_text(before + code.replace("the newest one there is", str(head)) + "\n")
    declared = folder / "webapp/catalog/resources.py"
    registered = declared.read_text().replace(
        "\nfrom webapp.", "\nfrom webapp.catalog.models import Project\nfrom webapp.", 1
    )
    declared.write_text(f"{registered}RESOURCES += (PROJECTS,)\n")
    return folder


def test_the_readme_names_four_files():
    assert list(steps()) == [
        "webapp/catalog/models.py",
        "webapp/catalog/resources.py",
        "migrations/versions/20991231_2359_projects.py",
        "tests/factories.py",
    ]


def test_a_resource_added_as_the_readme_says_passes_the_suites_over_every_resource(copy):
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-o", "verbosity_subtests=1"]
    ours = {name: value for name, value in os.environ.items() if not name.startswith("TEST_")}
    environ = {**ours, "TEST_DATABASE": "sqlite", "PYTHONPATH": str(copy)}

    done = subprocess.run(
        [*command, "-k", "projects or what_models_say", *SUITES, UPGRADE_EQUALS_MODELS],
        cwd=copy,
        env=environ,
        capture_output=True,
        text=True,
        timeout=300,
    )

    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    passed, tried = re.search(r"(\d+) passed", done.stdout), re.search(r"(\d+) subtests passed", done.stdout)
    assert passed
    assert tried
    assert int(passed[1]) > 40
    assert int(tried[1]) > 40
