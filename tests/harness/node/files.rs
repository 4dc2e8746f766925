//! Configuration of the node's parts. Why each setting is there, where it is not plain.

use std::fs;
use std::path::Path;

use serde_json::json;

use super::{NODE_NAME, PAUSE_IMAGE, STATE, network};
use crate::{Binaries, Error, Kubeconfig, Result, Tool};

/// Where Debian puts the network plugins.
pub(super) const PLUGINS: &str = "/usr/lib/cni";
const PODS: &str = "10.244.0.0/16";

pub(super) fn socket() -> String {
    format!("{STATE}/containerd.sock")
}

/// Writes all of it.
pub(super) fn write(binaries: &Binaries) -> Result<()> {
    put("containerd.toml", &containerd(binaries))?;
    put("cni/pods.conflist", &network_of_pods().to_string())?;
    put("kubelet.json", &kubelet().to_string())?;
    // No DNS server runs here.
    put("resolv.conf", "")
}

fn put(name: &str, text: &str) -> Result<()> {
    let path = Path::new(STATE).join(name);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(Error::file("create", folder))?;
    }
    fs::write(&path, text).map_err(Error::file("write", &path))
}

pub(super) fn containerd_flags() -> Vec<String> {
    vec![format!("--config={STATE}/containerd.toml")]
}

fn containerd(binaries: &Binaries) -> String {
    let runc = binaries.path(Tool::Runc).display();
    let socket = socket();
    // Without CAP_SYS_RESOURCE a sandbox fails that wants a better OOM score than its parent's.
    format!(
        r#"
version = 3
root = "{STATE}/containerd"
state = "{STATE}/run"
[grpc]
address = "{socket}"
[plugins."io.containerd.cri.v1.images".pinned_images]
sandbox = "{PAUSE_IMAGE}"
[plugins."io.containerd.cri.v1.runtime"]
restrict_oom_score_adj = true
netns_mounts_under_state_dir = true
[plugins."io.containerd.cri.v1.runtime".cni]
bin_dirs = ["{PLUGINS}"]
conf_dir = "{STATE}/cni"
[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
BinaryName = "{runc}"
Root = "{STATE}/runc"
"#
    )
}

fn network_of_pods() -> serde_json::Value {
    json!({
        "cniVersion": "1.0.0",
        "name": "pods",
        "plugins": [{
            "type": "bridge",
            "bridge": "cni0",
            "isGateway": true,
            "ipMasq": true,
            // A pod that asks a Service may be answered by itself.
            "hairpinMode": true,
            "ipam": {
                "type": "host-local",
                "dataDir": format!("{STATE}/addresses"),
                "ranges": [[{"subnet": "10.244.0.0/24"}]],
                "routes": [{"dst": "0.0.0.0/0"}],
            },
        }],
    })
}

pub(super) fn kubelet_flags(kubeconfig: &Kubeconfig) -> Vec<String> {
    vec![
        format!("--config={STATE}/kubelet.json"),
        format!("--kubeconfig={}", kubeconfig.path.display()),
        format!("--hostname-override={NODE_NAME}"),
        format!("--node-ip={}", network::INSIDE),
        format!("--root-dir={STATE}/kubelet"),
        format!("--cert-dir={STATE}/pki"),
    ]
}

fn kubelet() -> serde_json::Value {
    json!({
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "containerRuntimeEndpoint": format!("unix://{}", socket()),
        "cgroupDriver": "cgroupfs",
        // Build machines may have the older cgroups still.
        "failCgroupV1": false,
        "failSwapOn": false,
        // Nobody but this machine's root reaches it.
        "authentication": {"anonymous": {"enabled": true}, "webhook": {"enabled": false}},
        "authorization": {"mode": "AlwaysAllow"},
        "podLogsDir": format!("{STATE}/logs"),
        "volumePluginDir": format!("{STATE}/volume-plugins"),
        "resolvConf": format!("{STATE}/resolv.conf"),
        // The disk is the developer's: a full one must not evict pods, and no image may go that cannot be pulled again.
        "evictionHard": {"memory.available": "50Mi", "nodefs.available": "0%", "imagefs.available": "0%", "nodefs.inodesFree": "0%", "imagefs.inodesFree": "0%"},
        "imageGCHighThresholdPercent": 100,
        // A test must not wait for the back-off of a container that it has killed.
        "crashLoopBackOff": {"maxContainerRestartPeriod": "2s"},
        "featureGates": {"KubeletCrashLoopBackOffMax": true},
    })
}

pub(super) fn proxy_flags(kubeconfig: &Kubeconfig) -> Vec<String> {
    let mut flags = vec![
        format!("--kubeconfig={}", kubeconfig.path.display()),
        format!("--hostname-override={NODE_NAME}"),
        "--proxy-mode=nftables".to_owned(),
        format!("--cluster-cidr={PODS}"),
    ];
    // What it would set for the whole machine.
    let untouched = [
        "max-per-core",
        "tcp-timeout-established",
        "tcp-timeout-close-wait",
    ];
    flags.extend(untouched.map(|setting| format!("--conntrack-{setting}=0")));
    flags
}
