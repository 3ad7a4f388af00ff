//! End-to-end tests over real services, vectors, and the rules of the architecture.
