"""The WSGI application that the server loads."""

import gc

from webapp import create_app

app = create_app()
gc.freeze()  # what the program is made of stays: the collector need not walk through it again and again
