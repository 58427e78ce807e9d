"""What runs inside the project's own interpreter: standard library and pytest only, Python 3.8 and newer."""
