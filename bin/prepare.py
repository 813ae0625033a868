"""Make the instance ready to serve: schema, secrets, and the address of the first visit."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from sqlalchemy.exc import OperationalError  # noqa: E402 - the path comes first

import config  # noqa: E402 - the path comes first
from webapp.core.secrets import load_master_secret, setup_token  # noqa: E402 - the path comes first
from webapp.schema.migrate import NotMigrated, ensure_current, has_data  # noqa: E402 - the path comes first


def prepare() -> None:
    """Migrate, make what secrets are missing, and print where to go first when nobody has signed up."""
    settings = config.load()
    instance, url = settings["INSTANCE_DIR"], settings["SQLALCHEMY_DATABASE_URI"]
    Path(instance).mkdir(mode=0o700, parents=True, exist_ok=True)
    ensure_current(url, settings["DATABASE_OWNER_URL"])
    in_use = has_data(url)
    load_master_secret(instance, in_use)
    if not in_use and "--demo" not in sys.argv:
        address = f"{settings['BASE_URL']}/setup?token={setup_token(instance)}"
        print(f"Nobody has signed up yet. Make your organization at {address}", flush=True)


if __name__ == "__main__":
    try:
        prepare()
    except (NotMigrated, RuntimeError, ValueError, OSError) as error:
        sys.exit(f"Quartermaster cannot start: {error}")
    except OperationalError as error:
        sys.exit(f"Quartermaster cannot start: the database does not answer: {error.orig}")
