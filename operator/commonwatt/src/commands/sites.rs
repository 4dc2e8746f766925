//! `commonwatt sites`: how every site is, or one in detail.

use std::process::ExitCode;

use anyhow::bail;
use clap::Args;
use commonwatt_hub::Seen as HubSeen;
use commonwatt_site::Seen as SiteSeen;

use super::fleet::{Asked, wait_for};
use crate::printed::{Output, sites};

/// Show every site: accelerators, power against its limit, carbon and price now; or one site in detail
#[derive(Debug, Args)]
#[command(
    after_help = "Sites whose own objects are on another cluster are shown from their offers; `-` is what an offer does not say.\n\n\
                        Examples:\n  commonwatt sites\n  commonwatt sites -o wide\n  \
                        commonwatt sites frankfurt --context hub\n  \
                        commonwatt sites --from deploy/examples/quickstart -o json"
)]
pub struct Sites {
    /// One site: its next hours, signals, budgets, and what is admitted there
    name: Option<String>,
    #[command(flatten)]
    asked: Asked,
    /// How to print it
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    output: Output,
}

impl Sites {
    /// Runs it.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let (hub, site, now) = wait_for(async {
            let fleet = self.asked.fleet().await?;
            let hub: HubSeen = commonwatt_hub::dereference::dereference(fleet.hub.as_ref()).await?;
            let site: SiteSeen = commonwatt_site::dereference(fleet.sites.as_ref()).await?;
            Ok((hub, site, fleet.now))
        })?;
        let rows = sites::rows(&hub, &site, now);
        if let Some(name) = &self.name {
            let Some(row) = rows.iter().find(|row| row.name == *name) else {
                let known: Vec<_> = rows.iter().map(|row| row.name.as_str()).collect();
                bail!("there is no site {name}; there are: {}", known.join(", "));
            };
            let detail = sites::detail(row.clone(), &hub, &site, now);
            self.output.print(&detail, |wide| detail.text(wide))?;
            return Ok(ExitCode::SUCCESS);
        }
        if rows.is_empty() {
            eprintln!("no Site and no SiteOffer is here; `commonwatt doctor` says what is missing");
        }
        self.output.print(&rows, |wide| sites::text(&rows, wide))?;
        Ok(ExitCode::SUCCESS)
    }
}
