//! Questions about an API server itself, and about what this account may do there.

use chrono::{DateTime, Utc};
use commonwatt_store::StoreError;
use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};
use kube::api::PostParams;
use kube::client::Body;
use kube::{Api, Client, Config};
use serde_json::Value;

use crate::error::{store_error, within_limit};

/// An API server as it describes itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Its version, as `v1.36.0`.
    pub version: String,
    /// Major and minor.
    pub number: (u32, u32),
    /// Its time, by the date of its answer: to the second.
    pub time: Option<DateTime<Utc>>,
}

/// A right that is asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Right {
    /// API group; empty for the core.
    pub group: String,
    /// Resource, plural.
    pub resource: String,
    /// Subresource; empty for none.
    pub subresource: String,
    /// Namespace; empty for all.
    pub namespace: String,
    /// Name of the one object that is meant; empty for all.
    pub name: String,
    /// Verb.
    pub verb: String,
}

/// Asks an API server.
#[derive(Clone)]
pub struct Inquiry {
    client: Client,
}

impl Inquiry {
    /// Asks through a client.
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    /// Its version and time.
    ///
    /// # Errors
    /// When it does not answer, or not as an API server does.
    pub async fn server(&self) -> Result<Server, StoreError> {
        let request = http_get("/version")?.map(Body::from);
        let answer = within_limit(self.client.send(request)).await?;
        let date = answer.headers().get("date");
        let time = date
            .and_then(|date| DateTime::parse_from_rfc2822(date.to_str().ok()?).ok())
            .map(|date| date.to_utc());
        let info = within_limit(self.client.apiserver_version()).await?;
        // A cloud's minor has a plus behind it.
        let digits = |text: &str| {
            let end = text.find(|c: char| !c.is_ascii_digit());
            text[..end.unwrap_or(text.len())].parse().unwrap_or(0)
        };
        Ok(Server {
            number: (digits(&info.major), digits(&info.minor)),
            version: info.git_version,
            time,
        })
    }

    /// Whether this account has a right.
    ///
    /// # Errors
    /// When the API server does not answer.
    pub async fn may(&self, right: &Right) -> Result<bool, StoreError> {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let review = SelfSubjectAccessReview {
            spec: SelfSubjectAccessReviewSpec {
                resource_attributes: Some(ResourceAttributes {
                    group: some(&right.group),
                    resource: some(&right.resource),
                    subresource: some(&right.subresource),
                    namespace: some(&right.namespace),
                    name: some(&right.name),
                    verb: some(&right.verb),
                    ..ResourceAttributes::default()
                }),
                ..SelfSubjectAccessReviewSpec::default()
            },
            ..SelfSubjectAccessReview::default()
        };
        let reviews: Api<SelfSubjectAccessReview> = Api::all(self.client.clone());
        let answer = within_limit(reviews.create(&PostParams::default(), &review)).await?;
        Ok(answer.status.is_some_and(|status| status.allowed))
    }
}

/// What a Prometheus answers to an instant query: its list of samples.
///
/// # Errors
/// In words, when the address means nothing, nobody answers, or it is no Prometheus.
pub async fn prometheus(url: &str, query: &str) -> Result<Vec<Value>, String> {
    let address = url
        .trim_end_matches('/')
        .parse()
        .map_err(|error| format!("{url}: {error}"))?;
    let client = Client::try_from(Config::new(address)).map_err(|error| error.to_string())?;
    let query: String = query
        .bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect();
    let request = http_get(&format!("/api/v1/query?query={query}"));
    let request = request.map_err(|error| error.to_string())?;
    let answer = within_limit(client.request::<Value>(request)).await;
    let answer = answer.map_err(|error| error.to_string())?;
    answer["data"]["result"]
        .as_array()
        .cloned()
        .ok_or_else(|| format!("no Prometheus answers at {url}: it said {answer}"))
}

fn http_get(path: &str) -> Result<http::Request<Vec<u8>>, StoreError> {
    http::Request::get(path)
        .body(Vec::new())
        .map_err(|error| store_error(kube::Error::HttpError(error)))
}
