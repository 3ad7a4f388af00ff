//! ClickHouse tables, numbered.
