"""Django's SQLite backend on a current SQLite.

Debian 12 ships SQLite 3.40, which can corrupt a WAL database (the WAL-reset bug, 3.7.0 to 3.51.2), so the backend is loaded on
`pysqlite3`, which brings its own. Where that wheel is missing, the standard library's SQLite is used without WAL.
"""
