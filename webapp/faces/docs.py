"""The API's documentation page: Swagger UI from our own files, without an inline script."""

from flask import Blueprint, Flask, render_template

blueprint = Blueprint("docs", __name__)


@blueprint.get("/api/docs")
def index() -> str:
    """Show the API, to read and to try."""
    return render_template("api_docs.html")


def init_app(app: Flask) -> None:
    """Serve the documentation."""
    app.register_blueprint(blueprint)
