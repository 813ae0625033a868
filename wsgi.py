"""The WSGI application that the server loads."""

from webapp import create_app

app = create_app()
