//! Assignment: bundle format, hashing, targeting, evaluation, explanation.
