import pytest

import config


def test_nothing_needs_to_be_set(tmp_path):
    settings = config.load({"INSTANCE_DIR": str(tmp_path)})

    assert settings["SQLALCHEMY_DATABASE_URI"] == f"sqlite:///{tmp_path}/quartermaster.sqlite3"
    assert settings["JOBS_URL"] == f"sqlite:///{tmp_path}/jobs.sqlite3"
    assert settings["STORAGE_URL"] == f"{tmp_path}/files"
    assert settings["MAIL_URL"] == f"file://{tmp_path}/mail"
    assert settings["BASE_URL"] == "http://127.0.0.1:8000"
    assert settings["RATE_LIMITS"] is True


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_spelling_of_postgresql_means_psycopg_3(scheme):
    settings = config.load({"DATABASE_URL": f"{scheme}://me:pw@host/db"})

    assert settings["SQLALCHEMY_DATABASE_URI"] == "postgresql+psycopg://me:pw@host/db"


def test_links_and_host_check_follow_the_port_and_the_base_url():
    assert config.load({"PORT": "9000", "HOST": "0.0.0.0"})["BASE_URL"] == "http://127.0.0.1:9000"
    assert "assets.example.org" in config.load({"BASE_URL": "https://assets.example.org/"})["TRUSTED_HOSTS"]
    assert config.load({"TRUSTED_HOSTS": "a.example, b.example"})["TRUSTED_HOSTS"] == ["a.example", "b.example"]


@pytest.mark.parametrize(("name", "value"), [("PORT", "web"), ("JOB_LEASE_SECONDS", "-1"), ("RATE_LIMITS", "maybe")])
def test_a_senseless_value_is_named(name, value):
    with pytest.raises(ValueError, match=name):
        config.load({name: value})


def test_an_empty_variable_counts_as_unset():
    assert config.load({"PORT": "", "DATABASE_OWNER_URL": " "})["PORT"] == 8000
