use serde::Serialize;

/// What became of an object that was given back or let go of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GivenBack {
    /// Kind, namespace and name.
    pub object: String,
    /// What was done, or would be.
    pub done: String,
    /// Why it was not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed: Option<String>,
}
