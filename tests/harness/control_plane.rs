//! One whole control plane on loopback.

mod access;
mod audit;
mod base64;
mod components;
mod keys;
mod nodes;
mod stages;

use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

pub use access::Kubeconfig;
pub use audit::Request;
pub use stages::RUN_SECONDS_ANNOTATION;

use crate::process::Process;
use crate::scratch::Scratch;
use crate::{Binaries, Error, Progress, Result, binaries, ports, turn};

/// How long any part may take to become ready. Two to three seconds on an idle machine; the rest
/// is for machines that are compiling something.
const START_LIMIT: Duration = Duration::from_secs(90);

/// How often a start is tried again with other ports when somebody else took one.
const ATTEMPTS: usize = 3;

/// A running etcd, kube-apiserver, kube-controller-manager, kube-scheduler and kwok. They end when the value is
/// dropped, and also when the process that holds it is killed.
///
/// Several may run at once, started from parallel threads; each takes about 500 MB of memory.
#[derive(Debug)]
pub struct ControlPlane {
    name: String,
    binaries: Binaries,
    ports: Ports,
    kubeconfig: Kubeconfig,
    /// Loopback, or where the node that it has can reach it.
    address: Ipv4Addr,
    /// Whether the API server writes down what service accounts ask.
    audited: bool,
    tokens: keys::Tokens,
    nodes: Mutex<usize>,
    // Before `scratch`: the processes end before their files go.
    processes: Mutex<Vec<Process>>,
    scratch: Scratch,
}

#[derive(Debug, Clone, Copy)]
struct Ports {
    api: u16,
    etcd: u16,
    etcd_peer: u16,
}

impl ControlPlane {
    /// Starts a control plane and waits until a pod could be created in it. `name` names it in
    /// messages and is its kubeconfig's context. Builds the programs if they are missing, and waits
    /// for its turn while the machine starts as many as it has processors.
    pub fn start(name: &str) -> Result<Self> {
        Self::start_bare(name)?.simulated()
    }

    /// The same with an audit log, which [`requests`](Self::requests) reads.
    pub fn start_audited(name: &str) -> Result<Self> {
        let binaries = crate::ensure(Progress::Stderr)?;
        Self::start_in_turn(name, &binaries, Ipv4Addr::LOCALHOST, true)?.simulated()
    }

    /// Starts an etcd and an API server alone: what is written is kept and watched, and nothing is done about it. For
    /// measuring what a client and a server need by themselves.
    pub fn start_bare(name: &str) -> Result<Self> {
        let binaries = crate::ensure(Progress::Stderr)?;
        Self::start_in_turn(name, &binaries, Ipv4Addr::LOCALHOST, false)
    }

    /// A whole control plane for a real node, without kwok, at an address that the node can reach.
    pub(crate) fn start_at(name: &str, binaries: &Binaries, address: Ipv4Addr) -> Result<Self> {
        Self::start_in_turn(name, binaries, address, false)?.controlled()
    }

    /// For nodes and pods that kwok plays.
    fn simulated(self) -> Result<Self> {
        self.set_job_seconds(stages::DEFAULT_JOB_SECONDS)?;
        self.controlled()
    }

    /// With the controllers and the scheduler that make it a cluster.
    fn controlled(self) -> Result<Self> {
        self.launch("kube-controller-manager", &self.controller_manager())?;
        self.launch("kube-scheduler", &self.scheduler())?;
        // Without this account the API server refuses every pod.
        self.ready("kube-controller-manager", || {
            self.kubectl(["get", "serviceaccount", "default", "-n", "default"])
                .succeeded()
        })?;
        Ok(self)
    }

    fn start_in_turn(
        name: &str,
        binaries: &Binaries,
        address: Ipv4Addr,
        audited: bool,
    ) -> Result<Self> {
        let _turn = turn::wait(&binaries::cache()?)?;
        let mut attempt = 1;
        loop {
            match Self::start_once(name, binaries, address, audited) {
                Err(error) if attempt < ATTEMPTS && is_taken_port(&error) => attempt += 1,
                result => return result,
            }
        }
    }

    fn start_once(
        name: &str,
        binaries: &Binaries,
        address: Ipv4Addr,
        audited: bool,
    ) -> Result<Self> {
        let scratch = Scratch::new(name)?;
        let [api, etcd, etcd_peer] = ports::free()?;
        let tokens = keys::write(&scratch)?;
        let mut plane = Self {
            name: name.to_owned(),
            binaries: binaries.clone(),
            ports: Ports {
                api,
                etcd,
                etcd_peer,
            },
            kubeconfig: Kubeconfig::unwritten(&scratch),
            address,
            audited,
            tokens,
            nodes: Mutex::new(0),
            processes: Mutex::new(Vec::new()),
            scratch,
        };
        plane.launch("etcd", &plane.etcd())?;
        plane.ready("etcd", || TcpStream::connect(("127.0.0.1", etcd)).is_ok())?;
        if audited {
            plane.scratch.write(audit::POLICY, audit::POLICY_TEXT)?;
        }
        plane.launch("kube-apiserver", &plane.api_server())?;
        // The server makes its own certificate when it starts. Once it listens the file is whole;
        // that the file exists says less, and a start in a hundred read half of it.
        plane.ready("kube-apiserver", || {
            TcpStream::connect((address, api)).is_ok()
        })?;
        plane.kubeconfig = plane.admin_kubeconfig()?;
        plane.ready("kube-apiserver", || plane.api_server_is_ready())?;
        Ok(plane)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The directory with the logs (`kube-apiserver.log`, ...), the kubeconfigs and etcd's data. Removed with the
    /// control plane, unless `COMMONWATT_KEEP` is set.
    pub fn directory(&self) -> &Path {
        self.scratch.path()
    }

    /// The processes that run now.
    pub fn pids(&self) -> Vec<u32> {
        self.processes().iter().map(Process::pid).collect()
    }

    /// Ends the API server at once, as a crash would: what an unreachable site looks like. Everything
    /// else goes on, and goes on trying.
    pub fn stop_api_server(&self) {
        self.end("kube-apiserver");
    }

    /// Starts the API server again at the same address and with the same certificate, and waits until it
    /// is ready. Does nothing if it runs.
    pub fn start_api_server(&self) -> Result<()> {
        if !self
            .processes()
            .iter()
            .any(|process| process.name() == "kube-apiserver")
        {
            self.launch("kube-apiserver", &self.api_server())?;
        }
        self.ready("kube-apiserver", || self.api_server_is_ready())
    }

    /// Ends all of its processes and removes its directory, as dropping it does.
    pub fn stop(self) {
        drop(self);
    }

    fn launch(&self, name: &'static str, command: &std::process::Command) -> Result<()> {
        let process = Process::start(name, command, self.directory())?;
        self.processes().push(process);
        Ok(())
    }

    /// Ends one process, if it runs.
    fn end(&self, name: &str) {
        self.processes().retain(|process| process.name() != name);
    }

    /// Waits for `component`, and fails at once when any process of this control plane ends.
    fn ready(&self, component: &'static str, probe: impl Fn() -> bool) -> Result<()> {
        let start = Instant::now();
        let mut pause = Duration::from_millis(50);
        loop {
            for process in self.processes().iter_mut() {
                if let Some(status) = process.ended() {
                    return Err(process.error(&self.name, format!("ended with {status}")));
                }
            }
            if probe() {
                return Ok(());
            }
            if start.elapsed() > START_LIMIT {
                let reason = format!("was not ready after {} s", START_LIMIT.as_secs());
                let processes = self.processes();
                let slow = processes.iter().find(|process| process.name() == component);
                return Err(slow.map_or_else(
                    || Error::Timeout {
                        what: reason.clone(),
                        after: START_LIMIT,
                        last: None,
                    },
                    |process| process.error(&self.name, &reason),
                ));
            }
            std::thread::sleep(pause);
            // Most probes are a kubectl: on a busy machine they would take what they wait for.
            pause = (pause * 3 / 2).min(Duration::from_millis(500));
        }
    }

    fn has_real_node(&self) -> bool {
        !self.address.is_loopback()
    }

    fn api_server_is_ready(&self) -> bool {
        // The port first: a refused connection is free, a kubectl is not.
        TcpStream::connect((self.address, self.ports.api)).is_ok()
            && self.kubectl(["get", "--raw", "/readyz"]).succeeded()
    }

    fn processes(&self) -> MutexGuard<'_, Vec<Process>> {
        // A panic while the list is held leaves a list that is still true.
        self.processes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for ControlPlane {
    fn drop(&mut self) {
        // Clients before servers, or each would fill its log with lost connections.
        let mut processes = self.processes();
        while let Some(process) = processes.pop() {
            drop(process);
        }
    }
}

fn is_taken_port(error: &Error) -> bool {
    matches!(error, Error::Start { tail, .. } if tail.contains("address already in use"))
}
