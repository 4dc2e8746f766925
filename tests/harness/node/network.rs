//! The network namespace of the node, and the cable between it and the control plane.

use std::net::Ipv4Addr;
use std::path::Path;
use std::process::Command;

use crate::Result;
use crate::command::run;

/// The namespace's name, and that of the cable's end outside.
pub(super) const NAME: &str = "commonwatt-node";
const CABLE: &str = "commonwatt0";
/// The control plane's address: the cable's end outside. The block is one for tests between networks (RFC 2544).
pub(super) const OUTSIDE: Ipv4Addr = Ipv4Addr::new(198, 18, 73, 1);
/// The node's.
pub(super) const INSIDE: Ipv4Addr = Ipv4Addr::new(198, 18, 73, 2);

/// Makes both.
pub(super) fn create() -> Result<()> {
    let (outside, inside) = (format!("{OUTSIDE}/30"), format!("{INSIDE}/30"));
    let gateway = OUTSIDE.to_string();
    ip(&["netns", "add", NAME])?;
    ip(&[
        "link", "add", CABLE, "type", "veth", "peer", "name", "eth0", "netns", NAME,
    ])?;
    ip(&["address", "add", &outside, "dev", CABLE])?;
    ip(&["link", "set", CABLE, "up"])?;
    ip(&["-n", NAME, "link", "set", "lo", "up"])?;
    ip(&["-n", NAME, "address", "add", &inside, "dev", "eth0"])?;
    ip(&["-n", NAME, "link", "set", "eth0", "up"])?;
    ip(&["-n", NAME, "route", "add", "default", "via", &gateway])
}

/// Takes away what is there of both. The namespace lives on while a process is in it, the cable does not.
pub(super) fn remove() {
    for args in [["link", "delete", CABLE], ["netns", "delete", NAME]] {
        // It fails when there is none.
        let _ = ip(&args);
    }
}

/// A program inside. Not by `ip netns exec`: that mounts /sys anew, and a kubelet finds no cgroups there.
pub(super) fn inside(program: &Path) -> Command {
    let mut command = Command::new("nsenter");
    command.arg(format!("--net=/run/netns/{NAME}")).arg(program);
    command
}

fn ip(args: &[&str]) -> Result<()> {
    let mut command = Command::new("ip");
    command.args(args);
    run(command, None).ok()?;
    Ok(())
}
