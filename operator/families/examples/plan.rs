//! A planner on one synthetic fleet, without the operator around it:
//! `cargo run --release -p commonwatt-families --example plan -- --family slack --deployments 1000 --sites 50 --hours 24 --seed 1`

use clap::Parser;
use commonwatt_families::measure::{Extent, measure};
use commonwatt_families::{Family, Size, world};

#[derive(Parser)]
struct Arguments {
    /// What binds
    #[arg(long, default_value = "slack")]
    family: Family,
    #[arg(long, default_value_t = 100)]
    deployments: usize,
    #[arg(long, default_value_t = 10)]
    sites: usize,
    #[arg(long, default_value_t = 24)]
    hours: usize,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Only the plan from nothing
    #[arg(long)]
    cold: bool,
    /// Do not audit
    #[arg(long)]
    no_audit: bool,
    /// Print the world as JSON and plan nothing
    #[arg(long)]
    world: bool,
    /// Read the world from a file instead of making one
    #[arg(long, value_name = "FILE")]
    read: Option<std::path::PathBuf>,
    /// Write the world as the program of FORMULATION.md, in free MPS
    #[arg(long, value_name = "FILE")]
    mps: Option<std::path::PathBuf>,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments = Arguments::parse();
    let size = Size {
        deployments: arguments.deployments,
        sites: arguments.sites,
        hours: arguments.hours,
    };
    let world = match &arguments.read {
        Some(path) => serde_json::from_reader(std::io::BufReader::new(std::fs::File::open(path)?))?,
        None => world(arguments.family, size, arguments.seed),
    };
    if arguments.world {
        serde_json::to_writer(std::io::stdout().lock(), &world)?;
        return Ok(());
    }
    if let Some(path) = arguments.mps {
        let mut file = std::io::BufWriter::new(std::fs::File::create(path)?);
        commonwatt_families::mps::write(&world, &mut file)?;
        std::io::Write::flush(&mut file)?;
    }
    let extent = Extent {
        warm: !arguments.cold,
        audit: !arguments.no_audit,
    };
    println!(
        "{}",
        serde_json::to_string_pretty(&measure(&world, extent)?)?
    );
    Ok(())
}
