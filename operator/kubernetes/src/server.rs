//! The web server of a process: metrics, probes and pages.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::metrics::Metrics;

/// A page by its path, such as `/sites/a`: its content type and body, or nothing.
pub type Pages = Arc<dyn Fn(&str) -> Option<(&'static str, Vec<u8>)> + Send + Sync>;

/// Pages have no scripts, and nothing on them comes from elsewhere. Text from a cluster that was taken for markup
/// could still do nothing.
const CONTENT_SECURITY: &str = "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                                font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";

#[derive(Clone)]
struct Shared {
    metrics: Metrics,
    ready: watch::Receiver<bool>,
    pages: Pages,
}

/// Serves `/metrics`, `/healthz`, `/readyz` and the pages until `until` is done, then ends open requests.
///
/// # Errors
/// When the listener fails.
pub async fn serve(
    listener: TcpListener,
    metrics: Metrics,
    ready: watch::Receiver<bool>,
    pages: Pages,
    until: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let router = router(Shared {
        metrics,
        ready,
        pages,
    });
    axum::serve(listener, router)
        .with_graceful_shutdown(until)
        .await
}

fn router(shared: Shared) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
        .fallback(get(page))
        .with_state(shared)
}

async fn metrics(State(shared): State<Shared>, headers: HeaderMap) -> Response {
    let accepted = headers
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok());
    if accepted.is_some_and(|accepted| accepted.contains("application/openmetrics-text")) {
        typed(OPEN_METRICS, shared.metrics.open_metrics().into_bytes())
    } else {
        typed(PROMETHEUS, shared.metrics.prometheus().into_bytes())
    }
}

async fn readyz(State(shared): State<Shared>) -> (StatusCode, &'static str) {
    if *shared.ready.borrow() {
        (StatusCode::OK, "ok\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready\n")
    }
}

async fn page(State(shared): State<Shared>, uri: Uri) -> Response {
    // A page of a large fleet takes a while, and probes must not wait for it.
    let render = move || (shared.pages)(uri.path());
    match tokio::task::spawn_blocking(render).await {
        Ok(Some((content_type, body))) => {
            let mut response = typed(content_type, body);
            let headers = response.headers_mut();
            headers.insert(
                header::CONTENT_SECURITY_POLICY,
                HeaderValue::from_static(CONTENT_SECURITY),
            );
            headers.insert(
                header::X_CONTENT_TYPE_OPTIONS,
                HeaderValue::from_static("nosniff"),
            );
            headers.insert(
                header::REFERRER_POLICY,
                HeaderValue::from_static("no-referrer"),
            );
            response
        }
        Ok(None) => (StatusCode::NOT_FOUND, "no such page\n").into_response(),
        Err(error) => {
            tracing::error!(%error, "a page could not be made");
            (
                StatusCode::INTERNAL_SERVER_ERROR,
                "this page could not be made\n",
            )
                .into_response()
        }
    }
}

fn typed(content_type: &'static str, body: Vec<u8>) -> Response {
    (
        [(header::CONTENT_TYPE, HeaderValue::from_static(content_type))],
        body,
    )
        .into_response()
}

/// Done when the process is asked to end: SIGTERM or SIGINT.
///
/// The handlers are in place once this function returns, not only when its future is first looked at.
///
/// # Errors
/// When the handlers cannot be set up.
pub fn shutdown() -> std::io::Result<impl Future<Output = ()> + Send + 'static> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => tracing::info!("SIGTERM: ending"),
            _ = interrupt.recv() => tracing::info!("SIGINT: ending"),
        }
    })
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;

    /// Blocking, so that tokio's `io-util` is not built for a test.
    fn fetch_blocking(
        address: std::net::SocketAddr,
        path: &str,
        accept: &str,
    ) -> std::io::Result<String> {
        let mut stream = std::net::TcpStream::connect(address)?;
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: a\r\nAccept: {accept}\r\nConnection: close\r\n\r\n"
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    }

    async fn fetch(address: std::net::SocketAddr, path: &'static str) -> String {
        fetch_as(address, path, "*/*").await
    }

    async fn fetch_as(
        address: std::net::SocketAddr,
        path: &'static str,
        accept: &'static str,
    ) -> String {
        let fetch = move || fetch_blocking(address, path, accept);
        let answer = tokio::task::spawn_blocking(fetch).await;
        answer.expect("does not panic").expect("answers")
    }

    #[tokio::test]
    async fn probes_metrics_and_pages_are_served_until_the_end() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
        let address = listener.local_addr().expect("has an address");
        let (ready, is_ready) = watch::channel(false);
        let (end, ended) = tokio::sync::oneshot::channel::<()>();
        let pages: Pages = Arc::new(|path| match path {
            "/sites/a" => Some(("text/html; charset=utf-8", b"<p>a".to_vec())),
            "/broken" => panic!("a page with a mistake"),
            _ => None,
        });
        let until = async move { drop(ended.await) };
        let server = tokio::spawn(serve(listener, Metrics::new("1"), is_ready, pages, until));

        assert!(fetch(address, "/healthz").await.starts_with("HTTP/1.1 200"));
        assert!(fetch(address, "/readyz").await.starts_with("HTTP/1.1 503"));
        ready.send_replace(true);
        assert!(fetch(address, "/readyz").await.starts_with("HTTP/1.1 200"));
        let plain = fetch(address, "/metrics").await;
        assert!(plain.contains("text/plain; version=0.0.4"), "{plain}");
        assert!(plain.contains("\ncommonwatt_build_info{") && !plain.contains("# EOF"));
        let prometheus =
            "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.3";
        let open = fetch_as(address, "/metrics", prometheus).await;
        assert!(open.contains("application/openmetrics-text; version=1.0.0"));
        assert!(open.ends_with("# EOF\n"), "{open}");
        let page = fetch(address, "/sites/a?x=1").await;
        assert!(
            page.contains("default-src 'none'") && page.ends_with("<p>a"),
            "{page}"
        );
        assert!(fetch(address, "/nothing").await.starts_with("HTTP/1.1 404"));
        assert!(fetch(address, "/broken").await.starts_with("HTTP/1.1 500"));

        drop(end);
        server.await.expect("does not panic").expect("ends well");
    }
}
