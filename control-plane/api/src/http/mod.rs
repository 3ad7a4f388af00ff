//! What every endpoint shares: problems, bodies, preconditions, cursors, request ids.

pub(crate) mod body;
pub(crate) mod cursor;
pub(crate) mod etag;
pub(crate) mod failure;
pub(crate) mod finish;
pub(crate) mod params;
pub(crate) mod problem;
