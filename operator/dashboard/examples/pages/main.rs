//! Renders every page from made-up data into a directory: `cargo run -p commonwatt-dashboard --example pages -- DIR`.

mod fleet;
mod sites;
mod town;

use std::path::PathBuf;

use anyhow::Context as _;
use commonwatt_dashboard::{community_page, fleet_page, site_page};

fn main() -> anyhow::Result<()> {
    let directory: PathBuf = std::env::args()
        .nth(1)
        .context("say into which directory")?
        .into();
    std::fs::create_dir_all(&directory)?;
    let view = fleet::made_up();
    std::fs::write(directory.join("fleet.html"), fleet_page(&view))?;
    for site in &view.sites {
        let page = site_page(&view, &site.name).context("a site of the fleet has a page")?;
        std::fs::write(directory.join(format!("site-{}.html", site.name)), page)?;
    }
    let report = town::made_up_report()?;
    std::fs::write(directory.join("community.html"), community_page(&report))?;
    Ok(())
}
