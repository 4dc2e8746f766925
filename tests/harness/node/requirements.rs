//! What a machine must have for a node.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Command, Stdio};

/// Programs and files, and the Debian package of each.
const PROGRAMS: [(&str, &str); 6] = [
    ("ip", "iproute2"),
    ("nsenter", "util-linux"),
    ("nft", "nftables"),
    ("iptables", "iptables"),
    ("pkg-config", "pkg-config"),
    ("cc", "build-essential"),
];
const FILES: [(&str, &str); 2] = [
    (super::files::PLUGINS, "containernetworking-plugins"),
    ("/usr/include/seccomp.h", "libseccomp-dev"),
];

/// Why no node can be started on this machine, if that is so.
pub fn no_node() -> Option<String> {
    if let Some(reason) = crate::unavailable() {
        return Some(reason);
    }
    if !cfg!(target_os = "linux") {
        return Some("a node needs Linux".to_owned());
    }
    if !Path::new("/proc/self")
        .metadata()
        .is_ok_and(|own| own.uid() == 0)
    {
        return Some("a node needs root".to_owned());
    }
    let programs = PROGRAMS.iter().filter(|(program, _)| !is_on_path(program));
    let files = FILES.iter().filter(|(file, _)| !Path::new(file).exists());
    let missing: Vec<_> = programs.chain(files).map(|(_, package)| *package).collect();
    if !missing.is_empty() {
        return Some(format!(
            "a node needs these packages: {}",
            missing.join(" ")
        ));
    }
    (!succeeds("unshare", &["--net", "true"]))
        .then(|| "this machine gives no network namespace, and a node needs one".to_owned())
}

fn is_on_path(program: &str) -> bool {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&folders).any(|folder| folder.join(program).exists())
}

fn succeeds(program: &str, args: &[&str]) -> bool {
    let mut command = Command::new(program);
    command
        .args(args)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
