"""The generic faces over every resource: HTMX pages and the native JSON API, with what they share."""
