"""The web API: FastAPI, and nothing but. `service.api.app.create_app` is the way in."""
