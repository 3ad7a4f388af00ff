//! `kerf sample-site`: a web page to put behind an edge; it shows the variant that the edge decided.
//!
//! It reads the assignments as any origin would, from request headers, and repeats what it saw in response headers, so
//! that a visitor can compare.

use crate::service::{ENDED, Listening, ending};
use anyhow::Result;
use axum::Router;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::Html;
use axum::routing::get;
use clap::Args;
use std::process::ExitCode;

/// Options of `kerf sample-site`.
#[derive(Args)]
pub(crate) struct Options {
    #[command(flatten)]
    listening: Listening,
}

/// What came from the edge, and under which name the visitor gets it back.
const REPEATED: [(&str, &str); 3] = [
    ("kerf-assignments", "x-saw-kerf-assignments"),
    ("kerf-unit", "x-saw-kerf-unit"),
    ("kerf-bundle", "x-saw-kerf-bundle"),
];

/// Serves until a signal.
///
/// # Errors
/// When it cannot listen.
pub(crate) async fn run(options: Options) -> Result<ExitCode> {
    let listener = options.listening.bind(8088).await?;
    let router = Router::new().route("/healthz", get(StatusCode::NO_CONTENT)).fallback(page);
    axum::serve(listener, router).with_graceful_shutdown(ending()?).await?;
    ENDED
}

async fn page(headers: HeaderMap) -> (HeaderMap, Html<String>) {
    let mut answer = HeaderMap::new();
    for (seen, repeated) in REPEATED {
        if let Some(value) = headers.get(seen) {
            answer.insert(HeaderName::from_static(repeated), value.clone());
        }
    }
    let assignments = headers.get("kerf-assignments").map(HeaderValue::to_str);
    let assignments = assignments.and_then(Result::ok).unwrap_or_default();
    (answer, Html(html(assignments)))
}

fn html(assignments: &str) -> String {
    let treated = assignments.split(',').any(|one| one.trim().starts_with("checkout_button_color=treatment"));
    let colour = if treated { "green" } else { "blue" };
    let shown = assignments.replace('&', "&amp;").replace('<', "&lt;");
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Sample shop</title>\n\
         <h1>Sample shop</h1>\n<p>The edge decided: <code>{shown}</code></p>\n\
         <button style=\"background:{colour};color:white\">Check out</button>\n</html>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::html;

    #[test]
    fn the_button_takes_the_colour_of_the_variant() {
        assert!(html("checkout_button_color=treatment").contains("background:green"));
        assert!(html("other=treatment, checkout_button_color=control").contains("background:blue"));
        assert!(html("").contains("background:blue"));
    }

    #[test]
    fn what_was_seen_is_shown_as_text() {
        assert!(html("<script>").contains("<code>&lt;script></code>"));
    }
}
