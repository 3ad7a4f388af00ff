//! The least of a WebSocket server (RFC 6455): says every short text back.

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, Response, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper_util::rt::TokioIo;
use sha1::{Digest as _, Sha1};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// What RFC 6455, section 1.3, appends to a client's key.
const MAGIC: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// Whether a client asks for a WebSocket.
pub(super) fn is_asked_for(headers: &HeaderMap) -> bool {
    headers.get("upgrade").is_some_and(|protocol| protocol == "websocket")
}

/// Accepts, and says every text of at most 125 bytes back.
pub(super) fn accept(mut request: Request) -> Response<Body> {
    let key =
        request.headers().get("sec-websocket-key").and_then(|key| key.to_str().ok()).unwrap_or_default();
    let accept = STANDARD.encode(Sha1::digest(format!("{key}{MAGIC}")));
    let upgrade = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        let mut stream = TokioIo::new(upgrade.await.ok()?);
        while let Some(text) = read_masked(&mut stream).await {
            let length = u8::try_from(text.len()).ok()?;
            stream.write_all(&[&[0x81, length], text.as_slice()].concat()).await.ok()?;
        }
        Some(())
    });
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    for (name, value) in
        [("connection", "upgrade"), ("upgrade", "websocket"), ("sec-websocket-accept", accept.as_str())]
    {
        if let Ok(value) = value.parse() {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// The payload of a frame that a client sent; `None` at the end, or when it is no short text.
async fn read_masked(stream: &mut (impl tokio::io::AsyncRead + Unpin)) -> Option<Vec<u8>> {
    let mut head = [0; 6];
    stream.read_exact(&mut head).await.ok()?;
    let [0x81, length @ 0x80..=0xfd, mask @ ..] = head else { return None };
    let mut payload = vec![0; usize::from(length & 0x7f)];
    stream.read_exact(&mut payload).await.ok()?;
    Some(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect())
}
