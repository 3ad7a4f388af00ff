//! Documentation of each kind of problem, at the address that `type` has.

use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::response::Html;

use crate::http::problem::{Kind, Problem, ProblemBody};

/// Answers the documentation of a kind of problem.
#[utoipa::path(get, path = "/problems/{slug}", tag = "health",
    params(("slug" = String, Path, description = "Last part of `type` of a problem")),
    responses((status = 200, description = "The page", content_type = "text/html", body = String), (status = 404, response = ProblemBody)))]
pub(crate) async fn read(slug: Result<Path<String>, PathRejection>) -> Result<Html<String>, Problem> {
    let slug = slug.map(|Path(text)| text).unwrap_or_default();
    let kind = Kind::ALL.iter().find(|kind| kind.slug() == slug);
    let kind = kind.ok_or_else(|| Problem::new(Kind::NotFound, "there is no problem of this name"))?;
    Ok(Html(page(*kind)))
}

fn page(kind: Kind) -> String {
    let (slug, title, status) = (kind.slug(), kind.title(), kind.status().as_u16());
    format!(
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>{title}</title>\n\
         <h1>{title}</h1>\n<p><code>{slug}</code>, status {status}</p>\n<p>{}</p>\n</html>\n",
        kind.page()
    )
}
