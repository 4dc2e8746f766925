//! Cargo, from inside a program that cargo runs.

use std::env;
use std::path::Path;
use std::process::Command;

/// The workspace's root, where every command runs.
pub(crate) fn root() -> &'static Path {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().unwrap_or(own)
}

/// A cargo command in the workspace's root.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    // `cargo run` sets these for xtask. Build scripts that look at them would take xtask's for their
    // own and build again, once with and once without.
    let ours = [
        "CARGO_PKG_",
        "CARGO_MANIFEST_",
        "CARGO_CRATE_",
        "CARGO_BIN_",
    ];
    for (key, _) in env::vars_os() {
        let key = key.to_string_lossy();
        if ours.iter().any(|prefix| key.starts_with(prefix)) {
            command.env_remove(&*key);
        }
    }
    command
}
