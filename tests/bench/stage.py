"""What the checks share: databases, running servers, how often to measure."""

import itertools
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from flask import Flask

from tests.bench import data
from tests.bench.cluster import BenchCluster
from tests.bench.data import Built
from tests.bench.server import Served, serve, serve_limit

SMALL = 1_000


@dataclass
class Stage:
    """A run: how much data, how many rounds, and what is open."""

    folder: Path
    rounds: int = 7
    seconds: float = 1.5
    middle: int = 100_000
    large: int = 1_000_000
    say: Callable[[str], None] = print
    databases: tuple[str, ...] = ("postgresql", "sqlite")
    stays: bool = False
    _cluster: BenchCluster | None = None
    _built: dict[tuple[str, int], Built] = field(default_factory=dict)
    _apps: dict[str, Flask] = field(default_factory=dict)
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    @property
    def cluster(self) -> BenchCluster:
        """Return the PostgreSQL, started when it does not run."""
        if self._cluster is None:
            self._cluster = BenchCluster(self.folder, stays=self.stays)
        return self._cluster

    def built(self, total: int, database: str = "postgresql") -> Built:
        """Return a database with so many assets."""
        key = (database, total)
        if key not in self._built:
            if database == "sqlite":
                self._built[key] = data.sqlite(self.folder, total, self.say)
            else:
                self._built[key] = data.postgresql(self.cluster, self.folder, total, self.say)
        return self._built[key]

    @contextmanager
    def copy(self, built: Built) -> Iterator[Built]:
        """Lend a copy of a database to write into."""
        name = f"{built.name}_{next(self._numbers)}"
        if built.database == "sqlite":
            path = self.folder / f"{name}.sqlite3"
            for old in self.folder.glob(
                f"{name}.sqlite3*"
            ):  # a run that was killed leaves them, and its log would be replayed
                old.unlink()
            shutil.copyfile(built.url.removeprefix("sqlite:///"), path)
            try:
                yield _at(built, name, f"sqlite:///{path}", "")
            finally:
                self._apps.pop(f"sqlite:///{path}", None)
                for old in self.folder.glob(f"{name}.sqlite3*"):
                    old.unlink()
            return
        self.release(built)
        urls = self.cluster.copy(name, built.name)
        try:
            yield _at(built, name, urls.url, urls.owner_url)
        finally:
            self.release(_at(built, name, urls.url, urls.owner_url))
            self.cluster.drop(name)

    def app(self, built: Built) -> Flask:
        """Return the application over a database, in this process."""
        if built.url not in self._apps:
            self._apps[built.url] = data.open_app(built.urls, Path(built.instance), LOG_LEVEL="WARNING")
        return self._apps[built.url]

    def release(self, built: Built) -> None:
        """Close this process's connections to a database."""
        from webapp.core.database import db

        if (app := self._apps.pop(built.url, None)) is not None:
            with app.app_context():
                db.engine.dispose()

    def serve(self, built: Built, *, worker: bool = False, **environ: str) -> Served:
        """Serve the program over a database."""
        return serve(built, self._place(), worker=worker, **environ)

    def serve_limit(self, built: Built) -> Served:
        """Serve the limit route over a database."""
        return serve_limit(built, self._place())

    def close(self) -> None:
        """Stop the PostgreSQL that this run has started."""
        if self._cluster is not None:
            self._cluster.stop()

    def _place(self) -> Path:
        return self.folder / "logs" / f"{next(self._numbers)}"


def _at(built: Built, name: str, url: str, owner_url: str) -> Built:
    return Built(**{**vars(built), "name": name, "url": url, "owner_url": owner_url})
