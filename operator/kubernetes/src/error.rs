//! What the API server's answers mean to a caller.

use std::time::Duration;

use commonwatt_store::StoreError;
use kube::core::Status;

/// The most that a request may take, from its first byte to the last of its answer.
const REQUEST_LIMIT: Duration = Duration::from_secs(15);

/// Sends a request, at most for [`REQUEST_LIMIT`].
///
/// Not the client's own read timeout, which would end quiet watches too.
pub(crate) async fn within_limit<T>(
    request: impl Future<Output = kube::Result<T>>,
) -> Result<T, StoreError> {
    match tokio::time::timeout(REQUEST_LIMIT, request).await {
        Ok(answer) => answer.map_err(store_error),
        Err(_) => Err(no_answer(REQUEST_LIMIT)),
    }
}

/// Nothing came back in time.
pub(crate) fn no_answer(limit: Duration) -> StoreError {
    StoreError::Unreachable(format!("no answer within {} s", limit.as_secs()))
}

/// A client's error as a store's.
pub(crate) fn store_error(error: kube::Error) -> StoreError {
    match error {
        kube::Error::Api(status) => api_error(&status),
        // The client itself found the request wrong, such as an empty name.
        kube::Error::BuildRequest(error) => StoreError::Invalid(error.to_string()),
        other => StoreError::Unreachable(with_causes(&other)),
    }
}

fn api_error(status: &Status) -> StoreError {
    let message = if status.message.is_empty() {
        format!("HTTP {} {}", status.code, status.reason)
    } else {
        status.message.clone()
    };
    match status.code {
        404 => StoreError::NotFound(message),
        409 => StoreError::Conflict(message),
        403 => StoreError::Forbidden(message),
        400 | 422 => StoreError::Invalid(message),
        // An apply with a field that an older definition of the kind lacks: trying again never helps.
        500 if message.contains("field not declared in schema") => StoreError::Invalid(message),
        code => StoreError::Unreachable(format!("HTTP {code}: {message}")),
    }
}

/// The whole chain in one line: "client error" alone helps nobody.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapped(code: u16, message: &str) -> StoreError {
        store_error(kube::Error::Api(
            Status::failure(message, "Why").with_code(code).boxed(),
        ))
    }

    #[test]
    fn each_answer_of_an_api_server_is_one_of_five_errors() {
        let reasons =
            [400, 401, 403, 404, 409, 422, 429, 500, 503].map(|code| mapped(code, "x").reason());
        assert_eq!(
            reasons,
            [
                "Invalid",
                "Unreachable",
                "Forbidden",
                "NotFound",
                "Conflict",
                "Invalid",
                "Unreachable",
                "Unreachable",
                "Unreachable"
            ]
        );
    }

    #[test]
    fn a_field_that_an_older_definition_lacks_is_invalid_and_not_an_outage() {
        let error = mapped(500, ".spec.new: field not declared in schema");
        assert_eq!(error.reason(), "Invalid");
    }
}
