//! HTTP in, Kafka or the disk spool out.
