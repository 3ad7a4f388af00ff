//! Postgres: the one write path, one module per resource.
