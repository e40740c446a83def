"""Small programs that fail, for `tocsin demo`: each is what a shop might run, with the real Sentry SDK, and one mistake in it.

Run one by hand: `python -m tocsin.process.programs checkout DSN`.
"""
