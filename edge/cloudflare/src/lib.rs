//! The gateway as a Cloudflare Worker.
