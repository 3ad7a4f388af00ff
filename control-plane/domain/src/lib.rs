//! Experiments, layers, lifecycle and validation, without IO.
