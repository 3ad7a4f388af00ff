//! The results API.
