//! The command line of each part. Why each flag is there, where it is not plain.

use std::path::PathBuf;
use std::process::Command;

use super::{ControlPlane, audit, keys, stages};
use crate::Tool;

impl ControlPlane {
    fn command(&self, tool: Tool, flags: &[String]) -> Command {
        let mut command = Command::new(self.binaries.path(tool));
        command.args(flags);
        command
    }

    fn in_directory(&self, name: &str) -> String {
        self.scratch.file(name).display().to_string()
    }

    /// The API server's certificate followed by that of the authority that it made for itself.
    pub(super) fn certificate(&self) -> PathBuf {
        self.scratch.file("certificates/apiserver.crt")
    }

    pub(super) fn etcd(&self) -> Command {
        let client = format!("http://127.0.0.1:{}", self.ports.etcd);
        let peer = format!("http://127.0.0.1:{}", self.ports.etcd_peer);
        self.command(
            Tool::Etcd,
            &[
                format!("--data-dir={}", self.in_directory("etcd")),
                format!("--listen-client-urls={client}"),
                format!("--advertise-client-urls={client}"),
                format!("--listen-peer-urls={peer}"),
                format!("--initial-advertise-peer-urls={peer}"),
                format!("--initial-cluster=default={peer}"),
                // Nobody needs this data after a power cut, and a test should not wait for a disk.
                "--unsafe-no-fsync".to_owned(),
            ],
        )
    }

    pub(super) fn api_server(&self) -> Command {
        let key = self.in_directory(keys::PRIVATE_KEY);
        let mut flags = vec![
            format!("--etcd-servers=http://127.0.0.1:{}", self.ports.etcd),
            format!("--secure-port={}", self.ports.api),
            format!("--bind-address={}", self.address),
            format!("--advertise-address={}", self.address),
            format!("--cert-dir={}", self.in_directory("certificates")),
            "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
            format!(
                "--service-account-key-file={}",
                self.in_directory(keys::PUBLIC_KEY)
            ),
            format!("--service-account-signing-key-file={key}"),
            // As in a real cluster: a missing rule in the chart must fail a test.
            "--authorization-mode=Node,RBAC".to_owned(),
            format!("--token-auth-file={}", self.in_directory(keys::TOKENS)),
            "--service-cluster-ip-range=10.96.0.0/16".to_owned(),
            "--allow-privileged=true".to_owned(),
        ];
        flags.push(if self.has_real_node() {
            // Or `kubectl logs` would look for the node's name in a DNS that does not know it.
            "--kubelet-preferred-address-types=InternalIP".to_owned()
        } else {
            // Loopback may not be an endpoint of the `kubernetes` Service, and no pod here could use it.
            "--endpoint-reconciler-type=none".to_owned()
        });
        if self.audited {
            flags.push(format!(
                "--audit-policy-file={}",
                self.in_directory(audit::POLICY)
            ));
            flags.push(format!(
                "--audit-log-path={}",
                self.in_directory(audit::LOG)
            ));
        }
        self.command(Tool::KubeApiserver, &flags)
    }

    pub(super) fn controller_manager(&self) -> Command {
        let mut flags = vec![
            format!("--kubeconfig={}", self.in_directory("kubeconfig")),
            // Puts the authority into every namespace, as a real cluster does.
            format!("--root-ca-file={}", self.certificate().display()),
            // An elected leader that cannot renew its lease exits; this one must outlive an
            // API server that a test stops.
            "--leader-elect=false".to_owned(),
            // Nobody asks it anything, and 0 saves a port.
            "--secure-port=0".to_owned(),
        ];
        if !self.has_real_node() {
            // Nodes without a kubelet never fail by themselves. On a machine that also compiles kwok's heartbeats
            // come late, and pods that were marked not ready for it are never ready again.
            flags.push("--node-monitor-grace-period=24h".to_owned());
        }
        self.command(Tool::KubeControllerManager, &flags)
    }

    pub(super) fn scheduler(&self) -> Command {
        self.command(
            Tool::KubeScheduler,
            &[
                format!("--kubeconfig={}", self.in_directory("kubeconfig")),
                "--leader-elect=false".to_owned(),
                "--secure-port=0".to_owned(),
            ],
        )
    }

    pub(super) fn kwok(&self) -> Command {
        self.command(
            Tool::Kwok,
            &[
                format!("--kubeconfig={}", self.in_directory("kubeconfig")),
                format!("--config={}", self.in_directory(stages::FILE)),
                "--manage-all-nodes=false".to_owned(),
                "--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake".to_owned(),
            ],
        )
    }
}
