"""The description of the API, OpenAPI 3.1: made of the table of routes and of the models that check what they take."""
