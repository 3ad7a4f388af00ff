//! What an edge does with a request, over traits for the platform.
