//! Ways in: kubeconfigs, tokens, kubectl and helm.

use std::ffi::OsStr;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::ControlPlane;
use super::base64::base64;
use crate::command::run;
use crate::scratch::Scratch;
use crate::{Error, Output, Result, Tool};

/// A kubeconfig, as a file and as its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kubeconfig {
    /// Where it is.
    pub path: PathBuf,
    /// What it holds: YAML with the server, its authority and a token.
    pub text: String,
}

impl Kubeconfig {
    /// The place of the administrator's kubeconfig, before the server has a certificate to put in.
    pub(super) fn unwritten(scratch: &Scratch) -> Self {
        Self {
            path: scratch.file("kubeconfig"),
            text: String::new(),
        }
    }
}

impl ControlPlane {
    /// The administrator's kubeconfig (group `system:masters`).
    pub fn kubeconfig(&self) -> &Kubeconfig {
        &self.kubeconfig
    }

    /// The API server's address.
    pub fn url(&self) -> String {
        format!("https://{}:{}", self.address, self.ports.api)
    }

    /// A token for a service account, valid for an hour, from a `TokenRequest`: what a pod would have.
    pub fn token_for(&self, namespace: &str, service_account: &str) -> Result<String> {
        let create = ["create", "token", service_account, "--namespace", namespace];
        Ok(self.kubectl(create).ok()?.trim().to_owned())
    }

    /// A kubeconfig with this token, in a file of its own.
    pub fn kubeconfig_for_token(&self, token: &str) -> Result<Kubeconfig> {
        self.write_kubeconfig(&Self::new_file(), token, "default")
    }

    /// A kubeconfig of a service account, with its namespace. Give it to the program under test, so that a rule that
    /// its role lacks fails the test.
    pub fn kubeconfig_for(&self, namespace: &str, service_account: &str) -> Result<Kubeconfig> {
        let token = self.token_for(namespace, service_account)?;
        self.write_kubeconfig(&Self::new_file(), &token, namespace)
    }

    fn new_file() -> String {
        static WRITTEN: AtomicUsize = AtomicUsize::new(1);
        format!("kubeconfig-{}", WRITTEN.fetch_add(1, Ordering::Relaxed))
    }

    /// Runs kubectl as the administrator.
    pub fn kubectl<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Output {
        self.kubectl_as(&self.kubeconfig, args)
    }

    /// Runs kubectl as the administrator, with something on its stdin.
    pub fn kubectl_with_input<S: AsRef<OsStr>>(
        &self,
        args: impl IntoIterator<Item = S>,
        input: &str,
    ) -> Output {
        run(
            self.client(Tool::Kubectl, &self.kubeconfig, args),
            Some(input),
        )
    }

    /// A kubectl of the administrator, not run yet: for what goes on beside the test.
    pub fn kubectl_command<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        self.client(Tool::Kubectl, &self.kubeconfig, args)
    }

    /// Runs kubectl as somebody else.
    pub fn kubectl_as<S: AsRef<OsStr>>(
        &self,
        kubeconfig: &Kubeconfig,
        args: impl IntoIterator<Item = S>,
    ) -> Output {
        run(self.client(Tool::Kubectl, kubeconfig, args), None)
    }

    /// Runs helm as the administrator, with no repositories, plugins or settings of the user's.
    pub fn helm<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Output {
        run(self.client(Tool::Helm, &self.kubeconfig, args), None)
    }

    /// Applies YAML as the administrator, server-side, and gives kubectl's answer.
    pub fn apply_yaml(&self, yaml: &str) -> Result<String> {
        self.kubectl_with_input(["apply", "--server-side", "--filename", "-"], yaml)
            .ok()
    }

    fn client<S: AsRef<OsStr>>(
        &self,
        tool: Tool,
        kubeconfig: &Kubeconfig,
        args: impl IntoIterator<Item = S>,
    ) -> Command {
        let mut command = Command::new(self.binaries.path(tool));
        command
            .args(args)
            .env("KUBECONFIG", &kubeconfig.path)
            .env("KUBECACHEDIR", self.scratch.file("kubectl-cache"))
            .env("KUBERC", "off")
            .env("HELM_CACHE_HOME", self.scratch.file("helm/cache"))
            .env("HELM_CONFIG_HOME", self.scratch.file("helm/config"))
            .env("HELM_DATA_HOME", self.scratch.file("helm/data"));
        command
    }

    pub(super) fn admin_kubeconfig(&self) -> Result<Kubeconfig> {
        self.write_kubeconfig("kubeconfig", &self.tokens.admin, "default")
    }

    /// A kubelet's kubeconfig and a kube-proxy's.
    pub(crate) fn node_kubeconfigs(&self) -> Result<[Kubeconfig; 2]> {
        Ok([
            self.write_kubeconfig("kubeconfig-kubelet", &self.tokens.kubelet, "default")?,
            self.write_kubeconfig("kubeconfig-proxy", &self.tokens.proxy, "default")?,
        ])
    }

    fn write_kubeconfig(&self, file: &str, token: &str, namespace: &str) -> Result<Kubeconfig> {
        let certificate = self.certificate();
        let authority = fs::read(&certificate).map_err(Error::file("read", &certificate))?;
        // JSON is YAML, and needs no library of its own.
        let text = serde_json::json!({
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": self.name(),
            "contexts": [{"name": self.name(), "context": {
                "cluster": self.name(), "user": "token", "namespace": namespace,
            }}],
            "clusters": [{"name": self.name(), "cluster": {
                "server": self.url(),
                "certificate-authority-data": base64(&authority),
            }}],
            "users": [{"name": "token", "user": {"token": token}}],
        });
        let text = format!("{text:#}\n");
        let path = self.scratch.write(file, &text)?;
        Ok(Kubeconfig { path, text })
    }
}
