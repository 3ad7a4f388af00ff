//! Event schema, validation, limits, privacy.
