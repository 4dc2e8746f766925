//! Nothing is thought over twice.

use std::sync::Arc;

use chrono::TimeDelta;

use crate::Result;
use crate::fleet::POWER_BUDGET;
use crate::steering::{Hall, model, run, served};
use serde_json::json;

#[test]
fn a_world_at_rest_is_not_planned_again_and_one_that_changed_is() -> Result {
    run(async {
        let mut hall = Hall::with(vec![served(4), model("Enforce")])?;
        hall.turns(30).await?;
        let plan = async |hall: &mut Hall| {
            let turn = hall.0.turn(TimeDelta::seconds(10)).await;
            turn.hub.map(|cycle| cycle.plan).ok_or("no cycle")
        };
        let (first, second) = (plan(&mut hall).await?, plan(&mut hall).await?);
        assert!(Arc::ptr_eq(&first, &second), "planned again for nothing");
        let less = json!({ "spec": { "limit": "5k" } });
        hall.set(&POWER_BUDGET, "london-hall", less).await?;
        plan(&mut hall).await?;
        assert!(!Arc::ptr_eq(&second, &plan(&mut hall).await?));
        Ok(())
    })
}
