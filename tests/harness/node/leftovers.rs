//! What a node leaves when its processes are killed: containers, mounts, cgroups, a network. Failures are passed over:
//! what cannot be removed makes the start after it fail, which says more.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::{STATE, network};

/// How long killed processes may take to be gone.
const GONE: Duration = Duration::from_secs(10);

/// Removes everything of a node that does not run any more.
pub(super) fn remove() {
    kill_containers();
    kill(&ours("containerd.toml"));
    unmount();
    let _ = fs::remove_dir_all(STATE);
    for hierarchy in children(Path::new("/sys/fs/cgroup")) {
        remove_cgroup(&hierarchy.join("kubepods"));
    }
    remove_cgroup(Path::new("/sys/fs/cgroup/kubepods"));
    network::remove();
}

/// Kills every container, and the shim that stays with each pod.
pub(super) fn kill_containers() {
    let shims = ours("containerd.sock");
    let sockets = sockets_of_shims();
    // The first process of a container takes all others of it along, and its shim is its parent.
    let first: Vec<u32> = processes()
        .filter(|pid| parent(*pid).is_some_and(|parent| shims.contains(&parent)))
        .collect();
    kill(&first);
    kill(&shims);
    for socket in sockets {
        let _ = fs::remove_file(socket);
    }
}

/// Shims listen in a folder that all containerds of a machine share, under names that say nothing.
fn sockets_of_shims() -> Vec<PathBuf> {
    let tasks = Path::new(STATE).join("run/io.containerd.runtime.v2.task/k8s.io");
    let address = |task: PathBuf| {
        let text = fs::read(task.join("bootstrap.json")).ok()?;
        let started: serde_json::Value = serde_json::from_slice(&text).ok()?;
        let socket = started["address"].as_str()?.strip_prefix("unix://")?;
        Some(PathBuf::from(socket))
    };
    children(&tasks).into_iter().filter_map(address).collect()
}

/// Processes that have a file of the node's state in their command line: shims the socket, containerd its configuration.
fn ours(file: &str) -> Vec<u32> {
    let file = format!("{STATE}/{file}");
    processes()
        .filter(|pid| {
            let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            let line = String::from_utf8_lossy(&line);
            line.contains("containerd") && line.contains(&file)
        })
        .collect()
}

fn processes() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

fn parent(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name before it may hold anything, brackets and spaces too.
    stat.rsplit_once(')')?
        .1
        .split_whitespace()
        .nth(1)?
        .parse()
        .ok()
}

/// Kills processes and waits until they are gone.
fn kill(pids: &[u32]) {
    if pids.is_empty() {
        return;
    }
    let mut command = Command::new("kill");
    command
        .arg("-KILL")
        .args(pids.iter().map(u32::to_string))
        .stderr(Stdio::null());
    let _ = command.status();
    let start = Instant::now();
    while pids.iter().any(|pid| is_alive(*pid)) && start.elapsed() < GONE {
        thread::sleep(Duration::from_millis(20));
    }
}

fn is_alive(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    !stat.is_empty() && !stat.contains(") Z ")
}

/// Unmounts whatever is below the node's state, the last first.
fn unmount() {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let below = |place: &&str| place.starts_with(&format!("{STATE}/"));
    let places: Vec<_> = mounts
        .lines()
        .filter_map(|line| line.split(' ').nth(1))
        .filter(below)
        .collect();
    for place in places.iter().rev() {
        let mut command = Command::new("umount");
        let _ = command
            .args(["--lazy", place])
            .stderr(Stdio::null())
            .status();
    }
}

/// Removes a cgroup and those below it. Only empty ones go: another kubelet's pods would keep theirs.
fn remove_cgroup(path: &Path) {
    for child in children(path) {
        remove_cgroup(&child);
    }
    let _ = fs::remove_dir(path);
}

fn children(path: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    // Not through links: cgroup hierarchies have some to each other.
    let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    folders.map(|entry| entry.path()).collect()
}
