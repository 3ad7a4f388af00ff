//! Kafka as the collector uses it: topics, and the settings of its clients.
