//! One real node: a kubelet, containerd, runc and kube-proxy in a network namespace of their own, beside a control plane
//! that stands outside of it. Linux only, as root.

mod files;
mod leftovers;
mod network;
mod requirements;

use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use commonwatt_image::layout;

pub use self::requirements::no_node;
use crate::command::{command_line, run};
use crate::process::Process;
use crate::{
    Binaries, ControlPlane, Error, Kubeconfig, Output, Progress, Result, Tool, binaries, eventually,
};

/// The node's name.
pub const NODE_NAME: &str = "node-1";
/// An image whose one program `/container serve ADDRESS` answers requests with the name of its pod. Already on the node.
pub const ENGINE_IMAGE: &str = "localhost/engine:1";
const PAUSE_IMAGE: &str = "localhost/pause:1";

/// Where everything of the node is. One place, so that whoever comes next finds what a killed test has left; there is one
/// such node on a machine at a time.
const STATE: &str = "/var/lib/commonwatt-node";
/// Containers are torn down and started on a machine that also compiles.
const LIMIT: Duration = Duration::from_secs(90);

/// A control plane with one real node. Pods run as containers, Services answer on the node, and images are those that a
/// test has imported: nothing is pulled. It ends with the value, and what a killed test has left ends when the next begins.
#[derive(Debug)]
pub struct Node {
    binaries: Binaries,
    kubeconfigs: [Kubeconfig; 2],
    // Before `plane`: a kubelet whose API server is gone fills its log.
    processes: Mutex<Vec<Process>>,
    plane: ControlPlane,
    _lock: File,
}

impl Node {
    /// Starts it and waits until the node is Ready. Waits while another test has a node. Call [`no_node`] first.
    ///
    /// # Errors
    /// When a part cannot be built or started.
    pub fn start(name: &str) -> Result<Self> {
        let binaries = binaries::ensure_node(Progress::Stderr)?;
        let lock = lock()?;
        leftovers::remove();
        network::create()?;
        let plane = ControlPlane::start_at(name, &binaries, network::OUTSIDE)?;
        files::write(&binaries)?;
        let node = Self {
            kubeconfigs: plane.node_kubeconfigs()?,
            binaries,
            processes: Mutex::default(),
            plane,
            _lock: lock,
        };
        node.start_containerd()?;
        for (name, entrypoint) in [
            (PAUSE_IMAGE, vec!["/container", "pause"]),
            (ENGINE_IMAGE, vec!["/container"]),
        ] {
            node.import(&node.image(name, entrypoint)?)?;
        }
        node.start_kubelet()?;
        node.launch(
            "kube-proxy",
            Tool::KubeProxy,
            &files::proxy_flags(&node.kubeconfigs[1]),
        )?;
        node.wait_until_ready()?;
        Ok(node)
    }

    /// Its control plane.
    pub fn plane(&self) -> &ControlPlane {
        &self.plane
    }

    /// How a person puts images on it and reaches its network.
    pub fn describe(&self) -> String {
        let ctr = self.binaries.path(Tool::Ctr).display();
        let import = format!(
            "{ctr} --namespace=k8s.io --address={} images import FILE",
            files::socket()
        );
        let network = network::inside(Path::new("sh"));
        format!("{import}\n  {}", command_line(&network))
    }

    /// Puts an OCI layout in a tar archive among the node's images.
    ///
    /// # Errors
    /// When containerd does not take it.
    pub fn import(&self, archive: &Path) -> Result<()> {
        self.ctr([
            OsStr::new("images"),
            OsStr::new("import"),
            archive.as_os_str(),
        ])
        .ok()?;
        Ok(())
    }

    /// Gives an image another name beside the one that it has.
    ///
    /// # Errors
    /// When there is no such image.
    pub fn tag(&self, image: &str, name: &str) -> Result<()> {
        self.ctr(["images", "tag", image, name]).ok()?;
        Ok(())
    }

    /// What somebody on the node's network answers: a pod or a Service, by address.
    pub fn get(&self, url: &str) -> Output {
        let mut command = network::inside(self.binaries.path(Tool::Container));
        command.args(["get", url]);
        run(command, None)
    }

    /// Kills the kubelet and containerd, as a node does that loses its agents, and starts them again. Containers stay.
    ///
    /// # Errors
    /// When one does not come back.
    pub fn restart_agents(&self) -> Result<()> {
        self.end(&["kubelet", "containerd"]);
        self.start_containerd()?;
        self.start_kubelet()
    }

    /// The same, and every container dies with them: a power cut.
    ///
    /// # Errors
    /// When the kubelet or containerd does not come back.
    pub fn power_cut(&self) -> Result<()> {
        self.end(&["kubelet", "containerd"]);
        leftovers::kill_containers();
        self.start_containerd()?;
        self.start_kubelet()
    }

    fn wait_until_ready(&self) -> Result<()> {
        let ready = r#"jsonpath={.status.conditions[?(@.type=="Ready")].status}"#;
        eventually(LIMIT, "the node to be Ready", || {
            self.still_running()?;
            let status = self
                .plane
                .kubectl(["get", "node", NODE_NAME, "--output", ready]);
            Ok::<_, Error>((status.ok()? == "True").then_some(()))
        })
    }

    fn still_running(&self) -> Result<()> {
        for process in self.processes().iter_mut() {
            if let Some(status) = process.ended() {
                return Err(process.error(self.plane.name(), format!("ended with {status}")));
            }
        }
        Ok(())
    }

    fn start_containerd(&self) -> Result<()> {
        self.launch("containerd", Tool::Containerd, &files::containerd_flags())?;
        eventually(LIMIT, "containerd", || {
            self.still_running()?;
            self.ctr(["version"]).ok().map(Some)
        })?;
        Ok(())
    }

    fn start_kubelet(&self) -> Result<()> {
        self.launch(
            "kubelet",
            Tool::Kubelet,
            &files::kubelet_flags(&self.kubeconfigs[0]),
        )
    }

    fn launch(&self, name: &'static str, tool: Tool, flags: &[String]) -> Result<()> {
        let mut command = network::inside(self.binaries.path(tool));
        command.args(flags);
        let process = Process::start(name, &command, self.plane.directory())?;
        self.processes().push(process);
        Ok(())
    }

    fn end(&self, names: &[&str]) {
        self.processes()
            .retain(|process| !names.contains(&process.name()));
    }

    fn processes(&self) -> std::sync::MutexGuard<'_, Vec<Process>> {
        self.processes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn ctr<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Output {
        let mut command = Command::new(self.binaries.path(Tool::Ctr));
        command
            .args(["--namespace=k8s.io", "--address", &files::socket()])
            .args(args);
        run(command, None)
    }

    /// An image around the program that tests run in containers.
    fn image(&self, name: &str, entrypoint: Vec<&'static str>) -> Result<PathBuf> {
        let program = self.binaries.path(Tool::Container);
        let image = layout::Image {
            name: name.to_owned(),
            architecture: layout::architecture(),
            user: "65532:65532",
            entrypoint,
            labels: Vec::new(),
            files: vec![layout::File {
                path: "container",
                executable: true,
                bytes: fs::read(program).map_err(Error::file("read", program))?,
            }],
        };
        let path = Path::new(STATE).join("image.tar");
        let written = File::create(&path).and_then(|file| layout::write(&image, file));
        written.map_err(Error::file("write", &path))?;
        Ok(path)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // The kubelet first, or it would start again what ends.
        self.end(&["kubelet", "kube-proxy"]);
        leftovers::kill_containers();
        self.end(&["containerd"]);
        leftovers::remove();
    }
}

/// Held while there is a node.
fn lock() -> Result<File> {
    let path = binaries::cache()?.join("node.lock");
    let file = File::create(&path).map_err(Error::file("create", &path))?;
    file.lock().map_err(Error::file("lock", &path))?;
    Ok(file)
}
