//! A world as the mixed-integer program of `planner/FORMULATION.md`, in free MPS, for solvers that know nothing of it.
//!
//! Rows are named by the letters of that page, and comments at the head of the file say which site, deployment and job
//! an index is. `k_ph`, the replicas charged, is written as `n_p,h−1 + y_ph`: with `y ≥ n_ph − n_p,h−1` and `y ≥ 0` no
//! such sum is below either. Origins are flows from origins to sites, minimum sites and jobs have binaries.
//!
//! Left out are the move budget (L), dwell (Y), packing beyond the rows (G), and that serving comes before money. All of
//! them only take plans away, so the program's optimum is never above the cost of a plan. What a plan reports rather
//! than pays, a site that is missing (S) or a job at risk (J), has a price here that is above any other, or a solver would
//! leave it out.
//!
//! The file is written as it is found, deployment by deployment, in four passes: no matrix is held.

mod batch;
mod file;
mod index;
mod places;
mod serving;
mod shared;

use std::fmt::Display;
use std::io::{self, Write};

use commonwatt_fleet::{Plan, World};

use file::File;
use index::Index;

/// One part of the program: some columns and the rows that only they are in.
trait Part {
    fn rows(&self, file: &mut File<'_>) -> io::Result<()>;
    fn columns(&self, file: &mut File<'_>) -> io::Result<()>;
    fn right_sides(&self, file: &mut File<'_>) -> io::Result<()>;
    fn bounds(&self, file: &mut File<'_>) -> io::Result<()>;
}

type Pass = fn(&dyn Part, &mut File<'_>) -> io::Result<()>;

/// Writes a world as free MPS.
///
/// # Errors
/// What the writer says.
pub fn write(world: &World, to: &mut dyn Write) -> io::Result<()> {
    let index = Index::new(world);
    let mut file = File::new(to);
    head(&index, &mut file)?;
    file.section("ROWS")?;
    file.row('N', "COST")?;
    each(&index, &mut file, |part, file| part.rows(file))?;
    file.section("COLUMNS")?;
    each(&index, &mut file, |part, file| part.columns(file))?;
    file.section("RHS")?;
    each(&index, &mut file, |part, file| part.right_sides(file))?;
    file.section("BOUNDS")?;
    each(&index, &mut file, |part, file| part.bounds(file))?;
    file.section("ENDATA")
}

/// What a plan costs in the program beyond its own objective: sites that are missing and jobs at risk, at the prices that they
/// have there.
pub fn reported(world: &World, plan: &Plan) -> f64 {
    let index = Index::new(world);
    let deployments = 0..index.deployments.len();
    let missing: f64 = deployments
        .map(|number| serving::Serving::new(&index, number).reported(plan))
        .sum();
    let jobs = 0..index.jobs.len();
    let late: f64 = jobs
        .map(|number| batch::Batch::new(&index, number).reported(plan))
        .sum();
    missing + late
}

fn each(index: &Index<'_>, file: &mut File<'_>, pass: Pass) -> io::Result<()> {
    for number in 0..index.deployments.len() {
        pass(&serving::Serving::new(index, number), file)?;
    }
    for number in 0..index.jobs.len() {
        pass(&batch::Batch::new(index, number), file)?;
    }
    pass(&shared::Common::new(index), file)
}

fn head(index: &Index<'_>, file: &mut File<'_>) -> io::Result<()> {
    file.comment("The program of operator/planner/FORMULATION.md; see operator/families/src/mps.")?;
    file.comment(
        "Left out: the move budget (L), dwell (Y), packing beyond (G), serving before money.",
    )?;
    let pools = index.pools.iter();
    let pools = pools.map(|pool| format!("{} {}", pool.site, pool.product));
    named(file, "site", index.sites.iter().map(|(id, _)| id))?;
    named(file, "pool", pools)?;
    named(file, "cap", index.caps.iter().map(|(name, _)| name))?;
    named(file, "stock", index.stocks.iter().map(|row| &row.name))?;
    named(file, "tenant", index.tenants.iter().map(|row| row.name))?;
    named(file, "community", index.world.shared.communities.keys())?;
    named(
        file,
        "deployment",
        index.deployments.iter().map(|(id, _)| id),
    )?;
    named(file, "job", index.jobs.iter().map(|(id, _)| id))?;
    file.line("NAME COMMONWATT FREE")
}

/// Which name is behind an index.
fn named<N: Display>(
    file: &mut File<'_>,
    what: &str,
    names: impl Iterator<Item = N>,
) -> io::Result<()> {
    for (number, name) in names.enumerate() {
        file.comment(&format!("{what} {number} {name}"))?;
    }
    Ok(())
}
