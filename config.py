"""Every setting of Quartermaster, read from the environment."""

import ipaddress
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent
MEBIBYTE = 1024 * 1024


def load(environ: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return the settings for Flask's config; raise ValueError naming the variable that makes no sense."""
    read = _Reader(os.environ if environ is None else environ)
    settings: dict[str, Any] = {}

    # Where the database, files, mail and secrets live when nothing else is said.
    instance = Path(read.text("INSTANCE_DIR", str(ROOT / "instance"))).resolve()
    settings["INSTANCE_DIR"] = str(instance)

    # Where bin/run listens, with how many web processes (0: one a core).
    settings["HOST"] = read.text("HOST", "127.0.0.1")
    settings["PORT"] = read.whole("PORT", 8000)
    settings["WEB_WORKERS"] = read.whole("WEB_WORKERS", 0) or os.cpu_count() or 1

    # How many requests a web process has inside at most: one runs, the others wait in a fair line or for their client.
    # The server needs more threads than this (bin/run: 64, and 16 threads more). 0: no line, for one thread a process.
    settings["WEB_QUEUE"] = read.whole("WEB_QUEUE", 0)

    # The address that people and integrations use. Links in mail and the check of unsafe requests go by it.
    base_url = read.text("BASE_URL", f"http://{_reachable(settings['HOST'])}:{settings['PORT']}").rstrip("/")
    settings["BASE_URL"] = base_url
    # Host names we answer to, separated by commas; a request for another one is refused.
    settings["TRUSTED_HOSTS"] = read.words("TRUSTED_HOSTS") or _own_hosts(base_url)
    # How many proxies in front of us may say (X-Forwarded-*) who the client is.
    settings["PROXIES"] = read.whole("PROXIES", 0)

    # The database. On PostgreSQL this is the run-time role, which owns nothing; migrations use the owner's URL.
    settings["SQLALCHEMY_DATABASE_URI"] = database_url(
        read.text("DATABASE_URL", f"sqlite:///{instance / 'quartermaster.sqlite3'}")
    )
    # Whoever has the turn must find a connection at once, or the whole line stands still: on SQLite each request inside
    # may hold one while it waits for the lock, on PostgreSQL each answer that is being sent (edge/admission: STREAMS).
    is_sqlite = settings["SQLALCHEMY_DATABASE_URI"].startswith("sqlite")
    settings["SQLALCHEMY_ENGINE_OPTIONS"] = {"pool_size": 5, "max_overflow": -1 if is_sqlite else 20}
    settings["DATABASE_OWNER_URL"] = database_url(read.text("DATABASE_OWNER_URL", ""))
    # Wakes the worker (huey): a SQLite file of its own, postgresql:// or redis://. The work itself is in the database.
    settings["JOBS_URL"] = read.text("JOBS_URL", f"sqlite:///{instance / 'jobs.sqlite3'}")
    # Seconds after which another worker takes over a job whose worker went silent.
    settings["JOB_LEASE_SECONDS"] = read.whole("JOB_LEASE_SECONDS", 30)
    # How far the worker steps back behind the web processes (0 to 19, as `nice` counts).
    settings["WORKER_NICENESS"] = read.whole("WORKER_NICENESS", 10)
    # Redis makes rate limits exact over all processes; without it each process keeps its share.
    settings["REDIS_URL"] = read.text("REDIS_URL", "")

    # Uploaded files: a folder, or any fsspec URL (s3://bucket/prefix).
    settings["STORAGE_URL"] = read.text("STORAGE_URL", str(instance / "files"))
    # The largest request and the largest form field, in bytes.
    settings["MAX_CONTENT_LENGTH"] = read.whole("MAX_CONTENT_LENGTH", 100 * MEBIBYTE)
    settings["MAX_FORM_MEMORY_SIZE"] = read.whole("MAX_FORM_MEMORY_SIZE", 2 * MEBIBYTE)

    # Outgoing mail: file:///folder, smtp://[user:password@]host[:port] (STARTTLS when user is given) or smtps://…
    settings["MAIL_URL"] = read.text("MAIL_URL", f"file://{instance / 'mail'}")
    settings["MAIL_FROM"] = read.text("MAIL_FROM", "Quartermaster <quartermaster@localhost>")

    # Own networks and hosts that webhooks may reach, on any port: 10.0.0.0/8,127.0.0.1,erp.lan. Nothing by default:
    # whoever may make a webhook could otherwise ask what only this machine sees.
    settings["OUTGOING_ALLOW"] = read.places("OUTGOING_ALLOW")

    # "off" lifts every limit on requests: for benchmarks and tests only.
    settings["RATE_LIMITS"] = read.flag("RATE_LIMITS", True)
    # Requests one API key may make.
    settings["API_RATE_LIMIT"] = read.text("API_RATE_LIMIT", "600 per minute")

    # Hours after which a sign-in ends.
    settings["SESSION_HOURS"] = read.whole("SESSION_HOURS", 12)
    # "on" shows tracebacks and written mail at /dev/mail. Never on a machine that others reach.
    settings["DEVELOPMENT"] = read.flag("DEVELOPMENT", False)
    # DEBUG, INFO, WARNING or ERROR.
    settings["LOG_LEVEL"] = read.text("LOG_LEVEL", "INFO").upper()
    return settings


def database_url(url: str) -> str:
    """Return the URL with our driver named: `postgresql://` and `postgres://` mean psycopg 3."""
    scheme, separator, rest = url.partition("://")
    return f"postgresql+psycopg://{rest}" if separator and scheme in ("postgres", "postgresql") else url


class _Reader:
    """Settings as text, checked one by one."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = environ

    def text(self, name: str, default: str) -> str:
        return self.environ.get(name, "").strip() or default

    def words(self, name: str) -> list[str]:
        return [word.strip() for word in self.environ.get(name, "").split(",") if word.strip()]

    def places(self, name: str) -> list[str]:
        for word in (words := self.words(name)):
            try:
                ipaddress.ip_network(word)
            except ValueError as error:
                if not re.fullmatch(r"(?=.*[a-z])[a-z0-9]([a-z0-9.-]*[a-z0-9])?", word.lower()):
                    raise ValueError(f"{name} must be networks or host names, not {word!r}") from error
        return words

    def whole(self, name: str, default: int) -> int:
        text = self.text(name, str(default))
        if not text.isdecimal():
            raise ValueError(f"{name} must be a whole number, not {text!r}")
        return int(text)

    def flag(self, name: str, default: bool) -> bool:
        text = self.text(name, "on" if default else "off").lower()
        if text not in ("on", "off", "true", "false", "1", "0", "yes", "no"):
            raise ValueError(f"{name} must be on or off, not {text!r}")
        return text in ("on", "true", "1", "yes")


def _reachable(host: str) -> str:
    if host in ("0.0.0.0", "::", ""):  # noqa: S104 - compared, not bound
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def _own_hosts(base_url: str) -> list[str]:
    own = urlsplit(base_url).hostname or "127.0.0.1"
    return list(dict.fromkeys([own, "127.0.0.1", "localhost"]))
