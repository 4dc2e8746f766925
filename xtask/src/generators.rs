//! The files that are generated and committed, in the order in which they depend on each other. Add yours here:
//! `cargo xtask check` then fails when somebody forgets to generate them again.

/// One command that writes committed files.
pub(crate) struct Generator {
    /// It runs only if this exists.
    pub(crate) needs: &'static str,
    /// What to run, after `cargo`.
    pub(crate) arguments: &'static [&'static str],
    /// The files or folders that it writes.
    pub(crate) writes: &'static [&'static str],
}

/// In order.
pub(crate) const GENERATORS: &[Generator] = &[
    Generator {
        needs: "operator/commonwatt/Cargo.toml",
        arguments: &commonwatt("crd"),
        writes: &["crds/yaml", "crds/REFERENCE.md", "charts"],
    },
    Generator {
        needs: "operator/commonwatt/src/monitoring",
        arguments: &commonwatt("monitoring"),
        writes: &["deploy/grafana", "deploy/prometheus", "charts"],
    },
    Generator {
        needs: "operator/commonwatt/src/permissions",
        arguments: &commonwatt("permissions"),
        writes: &["charts"],
    },
];

/// A command of the operator's program that writes what is generated.
const fn commonwatt(command: &'static str) -> [&'static str; 8] {
    [
        "run",
        "--quiet",
        "--package",
        "commonwatt",
        "--",
        command,
        "--write",
        ".",
    ]
}
