//! Real data in the place of declared shapes: signals say themselves which file they come from.

use commonwatt_api::annotations::REPLAY;
use commonwatt_store::Object;
use serde_json::json;

/// Puts files in the place of declared sources wherever a signal names one.
pub fn swap(objects: &mut [Object]) {
    for signal in objects
        .iter_mut()
        .filter(|object| object.kind() == "GridSignal")
    {
        let Some(replay) = signal.annotation(REPLAY).map(str::to_owned) else {
            continue;
        };
        let parts: Vec<&str> = replay.split(';').collect();
        let file = match parts.as_slice() {
            [path] => json!({ "path": path, "format": "OpenMeteo" }),
            [path, time, value] => json!({
                "path": path,
                "timeColumn": time,
                "valueColumn": value,
                // Day-ahead prices are published; the grid's carbon is not.
                "future": if signal.at("spec.quantity") == Some(&json!("Price")) { "Known" } else { "Seasonal" },
            }),
            _ => continue,
        };
        signal.0["spec"]["source"] = json!({ "file": file });
    }
}
