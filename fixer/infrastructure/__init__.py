"""How it is done here: git, pytest, Aider, SQLite, each behind a port of the application."""
