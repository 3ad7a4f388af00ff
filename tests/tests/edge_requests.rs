//! What a proxied request and its answer look like, on both platforms.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, also in its helpers"
)]

use std::collections::BTreeSet;
use std::time::Duration;

use futures::StreamExt as _;
use kerf_tests::edge::{Edge, PAGE, Platform};
use kerf_tests::on_both_platforms;
use reqwest::{Method, Response, StatusCode};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const ID: &str = "0123456789abcdef0123456789abcdef";

on_both_platforms!(
    a_new_visitor_gets_a_cookie_and_the_origin_the_assignments,
    a_known_visitor_keeps_id_and_variant,
    kerf_headers_of_a_client_never_reach_the_origin,
    a_signed_in_user_is_the_unit,
    the_request_reaches_the_origin_as_it_was,
    the_answer_reaches_the_visitor_as_it_was,
    the_answer_streams,
    a_compressed_answer_stays_readable,
    a_refused_consent_leaves_no_id,
    the_origin_knows_whom_the_edge_speaks_for,
    an_origin_that_is_away_is_named,
    a_web_socket_goes_through,
);

fn cookies(response: &Response) -> Vec<&str> {
    response.headers().get_all("set-cookie").iter().map(|value| value.to_str().unwrap()).collect()
}

/// Visits a page as the visitor with the id; the assignments that the origin was told.
async fn visit(edge: &Edge, id: &str) -> String {
    let request = edge.client().get(format!("{}/page", edge.url)).header("cookie", format!("kerf_id={id}"));
    let response = request.send().await.unwrap();
    assert_eq!(cookies(&response), ["a=1", "b=2"]);
    let told = edge.site.last();
    assert_eq!(told.header("kerf-unit"), Some(id));
    told.header("kerf-assignments").unwrap().to_owned()
}

async fn a_new_visitor_gets_a_cookie_and_the_origin_the_assignments(platform: Platform) {
    let edge = Edge::serving(platform).await;
    let response = edge.get("/page").await;
    assert_eq!(response.status(), StatusCode::OK);
    let cookies = cookies(&response);
    assert_eq!(cookies[..2], ["a=1", "b=2"], "the site's own come first");
    let (id, attributes) = cookies[2].strip_prefix("kerf_id=").unwrap().split_once("; ").unwrap();
    assert!(id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
    let attributes: BTreeSet<_> = attributes.split("; ").collect();
    assert_eq!(attributes, BTreeSet::from(["Max-Age=34560000", "Path=/", "SameSite=Lax", "Secure"]));
    let told = edge.site.last();
    assert_eq!(told.header("kerf-unit"), Some(id));
    assert_eq!(told.header("kerf-bundle"), Some("1"));
    let assignments = told.header("kerf-assignments").unwrap();
    assert!(assignments.starts_with("everybody=") || assignments.contains(", everybody="), "{assignments}");
    assert_eq!(visit(&edge, id).await, assignments, "the cookie brings the same variants back");
}

async fn a_known_visitor_keeps_id_and_variant(platform: Platform) {
    let edge = Edge::serving(platform).await;
    let mut seen = BTreeSet::new();
    for _ in 0..20 {
        seen.insert(visit(&edge, ID).await);
    }
    assert_eq!(seen.len(), 1, "{seen:?}");
}

async fn kerf_headers_of_a_client_never_reach_the_origin(platform: Platform) {
    let edge = Edge::serving(platform).await;
    let request = edge.client().get(format!("{}/page", edge.url));
    let request = request
        .header("Kerf-Assignments", "everybody=planted")
        .header("kerf-unit", "planted")
        .header("KERF-ADMIN", "planted")
        .header("x-kerf", "stays");
    request.send().await.unwrap();
    let told = edge.site.last();
    let kerf: BTreeSet<_> =
        told.headers.keys().map(|name| name.as_str()).filter(|name| name.starts_with("kerf-")).collect();
    assert_eq!(kerf.len(), 3, "{kerf:?}");
    assert!(!format!("{:?}", told.headers).contains("planted"));
    assert_eq!(told.header("x-kerf"), Some("stays"));
}

async fn a_signed_in_user_is_the_unit(platform: Platform) {
    let edge = Edge::serving(platform).await;
    let request = edge.client().get(format!("{}/page", edge.url));
    request.header("x-user-id", "user one").send().await.unwrap();
    assert_eq!(edge.site.last().header("kerf-unit"), Some("user%20one"));
}

async fn the_request_reaches_the_origin_as_it_was(platform: Platform) {
    let edge = Edge::serving(platform).await;
    let body: Vec<u8> = (0..1_000_000_u32).map(|i| (i % 251) as u8).collect();
    for method in [Method::POST, Method::PUT, Method::DELETE, Method::PATCH] {
        let url = format!("{}/a%2Fb/c;d?x=1&y=%20&z", edge.url);
        let request =
            edge.client().request(method.clone(), url).header("x-own", "1").header("accept", "text/plain");
        request.body(body.clone()).send().await.unwrap();
        let got = edge.site.last();
        assert_eq!(got.method, method);
        assert_eq!(got.target, "/a%2Fb/c;d?x=1&y=%20&z");
        assert_eq!((got.header("x-own"), got.header("accept")), (Some("1"), Some("text/plain")));
        assert!(got.body == body, "{method}: {} of {} bytes", got.body.len(), body.len());
        assert!(got.header("kerf-assignments").is_some());
    }
    // Paths that look like the edge's own and are not.
    for (method, path) in [
        (Method::GET, "/evaluate"),
        (Method::POST, "/kerf/health"),
        (Method::GET, "/api/v1/experiments"),
        (Method::GET, "/api/v1/experiments/a/b/assignment"),
    ] {
        let response = edge.client().request(method, format!("{}{path}", edge.url)).send().await.unwrap();
        assert_eq!(response.text().await.unwrap(), PAGE, "{path}");
    }
}

async fn the_answer_reaches_the_visitor_as_it_was(platform: Platform) {
    let edge = Edge::serving(platform).await;
    for code in [200, 201, 204, 301, 302, 304, 307, 404, 418, 500, 503] {
        let response = edge.get(&format!("/status/{code}")).await;
        assert_eq!(response.status().as_u16(), code);
        assert_eq!(response.headers()["x-site"], "own");
        assert_eq!(cookies(&response)[..2], ["a=1", "b=2"]);
        let body = response.text().await.unwrap();
        assert_eq!(body, if matches!(code, 204 | 304) { "" } else { PAGE });
    }
    let response = edge.client().head(format!("{}/page", edge.url)).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.text().await.unwrap(), "");
}

async fn the_answer_streams(platform: Platform) {
    let edge = Edge::serving(platform).await;
    let request = edge.client().get(format!("{}/slow/page", edge.url)).header("accept-encoding", "identity");
    let mut chunks = request.send().await.unwrap().bytes_stream();
    // The last bytes are not made before the first are here.
    let first = tokio::time::timeout(Duration::from_secs(5), chunks.next()).await.unwrap();
    assert_eq!(first.unwrap().unwrap(), "first");
    edge.site.release();
    assert_eq!(chunks.next().await.unwrap().unwrap(), "last");
    assert!(chunks.next().await.is_none());
}

async fn a_compressed_answer_stays_readable(platform: Platform) {
    let edge = Edge::serving(platform).await;
    let request = edge.client().get(format!("{}/gzip", edge.url)).header("accept-encoding", "gzip");
    let response = request.send().await.unwrap();
    assert_eq!(response.headers()["content-encoding"], "gzip");
    assert_eq!(&response.bytes().await.unwrap()[..2], [0x1f, 0x8b], "the magic number of gzip");
}

async fn a_refused_consent_leaves_no_id(platform: Platform) {
    let edge = Edge::serving(platform).await;
    let request = edge.client().get(format!("{}/page", edge.url)).header("sec-gpc", "1");
    let response = request.header("cookie", format!("kerf_id={ID}")).send().await.unwrap();
    assert_eq!(cookies(&response), ["a=1", "b=2"]);
    let told = edge.site.last();
    assert_eq!(told.header("kerf-unit"), None);
    assert!(!told.header("kerf-assignments").unwrap_or_default().contains("everybody"));
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(edge.receiver.batches(), Vec::<Vec<serde_json::Value>>::new());
}

/// What a proxy owes the origin beside the assignments: whom it speaks for, and no body where there was none.
async fn the_origin_knows_whom_the_edge_speaks_for(platform: Platform) {
    let edge = Edge::serving(platform).await;
    let request = edge.client().get(format!("{}/page", edge.url)).header("x-forwarded-for", "192.0.2.7");
    request
        .header("te", "trailers")
        .header("connection", "x-one-hop")
        .header("x-one-hop", "1")
        .send()
        .await
        .unwrap();
    let told = edge.site.last();
    assert_eq!((told.header("transfer-encoding"), told.header("content-length")), (None, None));
    if platform == Platform::Native {
        assert_eq!(told.header("x-forwarded-for"), Some("192.0.2.7, 127.0.0.1"));
        assert_eq!(told.header("x-forwarded-proto"), Some("http"));
        assert_eq!(told.header("x-forwarded-host"), edge.url.strip_prefix("http://"));
        assert_eq!(
            (told.header("x-one-hop"), told.header("te"), told.header("accept")),
            (None, None, Some("*/*"))
        );
    }
}

/// The one answer of the edge's own to a visitor, because there is no page to give.
async fn an_origin_that_is_away_is_named(platform: Platform) {
    let edge = Edge::start_before(platform, "http://127.0.0.1:9").await;
    let response = edge.get("/page").await;
    assert_eq!(response.status(), StatusCode::BAD_GATEWAY);
    assert_eq!(response.text().await.unwrap(), "The origin server cannot be reached.\n");
}

async fn a_web_socket_goes_through(platform: Platform) {
    let edge = Edge::serving(platform).await;
    let address = edge.url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    // Key and answer are the example of RFC 6455, section 1.3.
    let asking = format!(
        "GET /socket HTTP/1.1\r\nhost: {address}\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(asking.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        answer.push(stream.read_u8().await.unwrap());
    }
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
    assert!(answer.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{answer}");
    // A text frame of two bytes, masked with zeros as a client has to, and the same unmasked from the server.
    stream.write_all(b"\x81\x82\0\0\0\0hi").await.unwrap();
    let mut echo = [0; 4];
    stream.read_exact(&mut echo).await.unwrap();
    assert_eq!(&echo, b"\x81\x02hi");
}
