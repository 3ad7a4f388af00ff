//! The REST API over the store, and the publishers.
