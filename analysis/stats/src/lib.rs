//! Statistical methods on sufficient statistics.
