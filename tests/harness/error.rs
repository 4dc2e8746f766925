//! What can go wrong before a test has begun, each with what to do about it.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// The harness's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why the harness could not do what a test asked of it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no `go` to build the control plane with.
    #[error(
        "no usable `go` on the PATH ({0}): install Go 1.26 or later, or pass --no-control-planes to `cargo xtask test`"
    )]
    NoGo(String),

    /// A Go build failed.
    #[error("building {tool} failed; run `{command}` in {directory} to see it alone:\n{output}")]
    Build {
        /// The binary that was being built.
        tool: &'static str,
        /// The command line.
        command: String,
        /// Where it ran.
        directory: PathBuf,
        /// The compiler's last lines.
        output: String,
    },

    /// A file or directory could not be used.
    #[error("cannot {action} {path}: {source}")]
    File {
        /// The verb: "read", "write", "create", ...
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The operating system's answer.
        source: io::Error,
    },

    /// A process could not be started at all.
    #[error("cannot start {program}: {source}")]
    Spawn {
        /// The program.
        program: String,
        /// The operating system's answer.
        source: io::Error,
    },

    /// A part of a control plane ended or never became ready.
    #[error("{component} of control plane {plane} {reason}; the last lines of {log}:\n{tail}", log = log.display())]
    Start {
        /// The control plane's name.
        plane: String,
        /// `etcd`, `kube-apiserver`, ...
        component: &'static str,
        /// What was seen.
        reason: String,
        /// The whole log. Gone with the control plane, unless `COMMONWATT_KEEP` is set.
        log: PathBuf,
        /// Its last lines.
        tail: String,
    },

    /// A command such as `kubectl apply` did not succeed.
    #[error("`{command}` {status}:\n{output}")]
    Command {
        /// The command line.
        command: String,
        /// `exited with 1`, or why it could not be started.
        status: String,
        /// What it wrote to stderr, or else to stdout.
        output: String,
    },

    /// A command answered with something else than was asked for.
    #[error("`{command}` did not print JSON: {source}")]
    NotJson {
        /// The command line.
        command: String,
        /// Where it stopped making sense.
        source: serde_json::Error,
    },

    /// Something that was waited for did not come about.
    #[error("waited {}s for {what}{}", after.as_secs(), last.as_ref().map(|e| format!("; the last attempt said: {e}")).unwrap_or_default())]
    Timeout {
        /// What was waited for.
        what: String,
        /// How long.
        after: Duration,
        /// The last attempt's error, if it had one.
        last: Option<String>,
    },

    /// The kwok module holds something else than this harness knows how to adapt.
    #[error(
        "kwok's {0} is not what the harness expects: compare it with harness/control_plane/stages.rs after a change of kwok's version"
    )]
    Stage(String),

    /// No free port in the range that the harness uses.
    #[error("no {0} free ports on 127.0.0.1 between 20000 and 32000: end what holds them")]
    Ports(usize),
}

impl Error {
    /// For `map_err` on file operations.
    pub(crate) fn file(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File {
            action,
            path,
            source,
        }
    }
}
