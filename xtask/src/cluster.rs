//! `cargo xtask cluster`: control planes to work with by hand.

use std::sync::mpsc::{Receiver, channel};
use std::thread;

use anyhow::{Context, anyhow, bail};
use commonwatt_harness::{ControlPlane, Node, Progress, no_node};

/// Starts control planes on 127.0.0.1, each with its own GPU nodes, prints how to reach them, and
/// ends them on Ctrl-C. Pods run without containers: they become Ready, and Jobs complete after a while.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// How many control planes (about 500 MB each).
    #[arg(long, default_value_t = 1)]
    count: usize,

    /// GPU nodes in each.
    #[arg(long, default_value_t = 4)]
    nodes: usize,

    /// Accelerators per node.
    #[arg(long, default_value_t = 8)]
    gpus: u32,

    /// The label nvidia.com/gpu.product of the nodes.
    #[arg(long, default_value = "NVIDIA-H100-80GB-HBM3")]
    product: String,

    /// One control plane with a real node instead: kubelet, containerd and kube-proxy, without accelerators. As root.
    #[arg(long, conflicts_with_all = ["count", "nodes", "gpus", "product", "job_seconds"])]
    real_node: bool,

    /// How long the pods of Jobs run.
    #[arg(long, default_value_t = 60)]
    job_seconds: u32,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let (interrupt, interrupted) = channel();
    ctrlc::set_handler(move || {
        // The receiver is gone only when we end anyway.
        let _ = interrupt.send(());
    })
    .context("cannot wait for Ctrl-C")?;
    if arguments.real_node {
        return real_node(&interrupted);
    }
    commonwatt_harness::ensure(Progress::Stderr)?;
    let planes = start_all(arguments)?;
    for plane in &planes {
        show(plane);
    }
    println!("kubectl and helm of the same versions: cargo xtask binaries. Ctrl-C ends it all.");
    interrupted.recv().context("cannot wait for Ctrl-C")?;
    println!("ending {} control planes ...", planes.len());
    Ok(())
}

fn real_node(interrupted: &Receiver<()>) -> anyhow::Result<()> {
    if let Some(reason) = no_node() {
        bail!("{reason}");
    }
    let node = Node::start("node")?;
    show(node.plane());
    println!("  {}", node.describe());
    println!("kubectl and helm of the same versions: cargo xtask binaries. Ctrl-C ends it all.");
    interrupted.recv().context("cannot wait for Ctrl-C")
}

fn show(plane: &ControlPlane) {
    println!("{}  {}", plane.name(), plane.url());
    println!("  export KUBECONFIG={}", plane.kubeconfig().path.display());
}

fn start_all(arguments: &Arguments) -> anyhow::Result<Vec<ControlPlane>> {
    let start = |number: usize| {
        let plane = ControlPlane::start(&format!("site-{number}"))?;
        plane.set_job_seconds(arguments.job_seconds)?;
        plane.add_gpu_nodes(arguments.nodes, &arguments.product, arguments.gpus, &[])?;
        Ok(plane)
    };
    thread::scope(|scope| {
        let starting: Vec<_> = (1..=arguments.count)
            .map(|number| scope.spawn(move || start(number)))
            .collect();
        starting
            .into_iter()
            .map(|plane| {
                plane
                    .join()
                    .map_err(|_| anyhow!("starting a control plane panicked"))?
            })
            .collect()
    })
}
