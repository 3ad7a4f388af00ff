//! Results come from the analysis plane, with the caller's own key.

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::get;
use serde_json::json;
use tokio::net::TcpListener;

use crate::harness::{Options, Server, checkout};

/// Answers what it was asked, so that the test sees what was passed on.
async fn echo(request: Request) -> impl IntoResponse {
    let header = |name: &str| request.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    let body = json!({"uri": request.uri().to_string(), "authorization": header("authorization")});
    let status =
        if request.uri().query() == Some("segment=teapot") { StatusCode::NOT_FOUND } else { StatusCode::OK };
    (status, axum::Json(body))
}

#[tokio::test]
async fn results_are_passed_on_as_they_are() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let analysis_url = Some(format!("http://{}/", listener.local_addr().unwrap()));
    let analysis = Router::new().route("/api/v1/experiments/{id}/results", get(echo));
    let analysis = tokio::spawn(async move { axum::serve(listener, analysis).await.unwrap() });
    let server = Server::with(Options { analysis_url, ..Options::default() }).await;
    server.post("/api/v1/experiments", &checkout()).await.is(201);

    let path = "/api/v1/experiments/checkout_button_color/results";
    let answer = server.get(&format!("{path}?segment=country")).await.is(200);
    assert_eq!(answer.body["uri"], format!("{path}?segment=country"));
    assert_eq!(answer.body["authorization"], format!("Bearer {}", server.admin));
    assert_eq!(
        server.get(&format!("{path}?segment=teapot")).await.status,
        404,
        "a refusal is passed on as well"
    );

    analysis.abort();
    assert!(analysis.await.unwrap_err().is_cancelled());
    let away = server.get(path).await;
    assert!(
        away.is_problem(503, "unavailable").body["detail"].as_str().unwrap().contains("KERF_ANALYSIS_URL")
    );
}

#[tokio::test]
async fn without_an_analysis_plane_the_answer_says_what_to_set() {
    let server = Server::start().await;
    let answer = server.get("/api/v1/experiments/checkout_button_color/results").await;
    assert!(
        answer.is_problem(503, "unavailable").body["detail"].as_str().unwrap().contains("KERF_ANALYSIS_URL")
    );
}
