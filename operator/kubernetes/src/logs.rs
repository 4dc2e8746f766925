//! Logs.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object per line, for machines.
    Json,
    /// For people.
    Text,
}

/// Logs could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum LoggingError {
    /// The filter is not one.
    #[error(
        "{filter:?} is no log filter; write a level such as `info`, or `warn,commonwatt=debug`"
    )]
    Filter {
        /// As it was given.
        filter: String,
        /// What is wrong with it.
        source: tracing_subscriber::filter::ParseError,
    },
    /// Somebody did before.
    #[error("logs were set up before: {0}")]
    Again(String),
}

/// Sends this process's logs to standard error, in colour only if that is a terminal.
pub fn logging(format: LogFormat, filter: &str) -> Result<(), LoggingError> {
    // The client logs every refused connection as an error of its own. It comes back to us as one, and is told with
    // what was being done.
    let quiet = format!("kube_client::client::builder=off,{filter}");
    let directives = EnvFilter::try_new(quiet).map_err(|source| LoggingError::Filter {
        filter: filter.to_owned(),
        source,
    })?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(directives)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    let set = match format {
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
        LogFormat::Text => builder.try_init(),
    };
    set.map_err(|error| LoggingError::Again(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_log_filter_is_named() {
        let error = logging(LogFormat::Text, "commonwatt=loud").expect_err("no such level");
        assert!(error.to_string().contains("commonwatt=loud"), "{error}");
    }
}
