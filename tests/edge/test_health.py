from webapp.schema.migrate import downgrade


def test_the_process_says_that_it_lives(anonymous):
    response = anonymous.get("/healthz")

    assert (response.status_code, response.json) == (200, {"status": "ok"})


def test_a_migrated_database_is_ready(anonymous):
    response = anonymous.get("/readyz")

    assert (response.status_code, response.json["database"]) == (200, "ok")


def test_an_older_database_is_not_ready(new_database, new_app):
    database = new_database()
    downgrade(database.migration_url, "20261122_1510")

    response = new_app(database).test_client().get("/readyz")

    assert (response.status_code, response.json["database"]) == (503, "not migrated")


def test_a_database_that_is_away_is_not_ready(new_database, new_app, tmp_path, monkeypatch):
    from sqlalchemy.exc import OperationalError

    from webapp.core.database import db

    app = new_app(new_database())
    with app.app_context():
        engine = db.engine
    refused = OperationalError("", {}, ConnectionError())
    monkeypatch.setattr(engine, "connect", lambda: (_ for _ in ()).throw(refused))

    response = app.test_client().get("/readyz")

    assert (response.status_code, response.json["database"]) == (503, "unreachable")
    assert app.test_client().get("/healthz").status_code == 200


def test_a_host_that_is_not_ours_is_refused_in_plain_words(app):
    for path in ("/login", "/api/v1/assets", "/healthz"):
        response = app.test_client().get(path, headers={"Host": "evil.example"})

        assert (response.status_code, response.mimetype) == (400, "text/plain"), path
        assert "evil" not in response.get_data(as_text=True)
