//! The gateway on axum: self-hosted edge, sidecar, local development.
