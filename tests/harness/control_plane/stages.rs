//! What kwok does to nodes and pods, and how long a Job takes.

use std::fs;

use super::ControlPlane;
use crate::{Error, Result};

/// On a pod template of a Job: how many seconds its pods run, instead of the control plane's default.
pub const RUN_SECONDS_ANNOTATION: &str = "tests.commonwatt.dev/run-seconds";

pub(super) const DEFAULT_JOB_SECONDS: u32 = 5;
pub(super) const FILE: &str = "stages.yaml";

/// The stage of kwok's that we change.
const COMPLETE: &str = "pod-complete.yaml";

impl ControlPlane {
    /// How long the pods of Jobs run (5 s at first). Pods that run now count from their own start.
    /// Pods of Deployments run until they are deleted.
    pub fn set_job_seconds(&self, seconds: u32) -> Result<()> {
        let mut stages = Vec::new();
        let directory = self.binaries.stages();
        for entry in fs::read_dir(directory).map_err(Error::file("read", directory))? {
            let path = entry.map_err(Error::file("read", directory))?.path();
            let text = fs::read_to_string(&path).map_err(Error::file("read", &path))?;
            stages.push(if path.ends_with(COMPLETE) {
                delayed(&text, seconds)?
            } else {
                text
            });
        }
        // kwok reads its stages once, at start. It keeps nothing in memory that it does not find again.
        self.end("kwok");
        self.scratch.write(FILE, &stages.join("\n---\n"))?;
        self.launch("kwok", &self.kwok())
    }
}

/// kwok's stage that completes the pods of Jobs, at once as it comes, put off.
///
/// The delay is a point in time counted from the pod's start and not a length: kwok starts a
/// length again whenever anybody touches the pod, and a Job under an agent that writes
/// annotations would never end. One second more, since Kubernetes cuts start times to whole seconds: a pod runs
/// at least as long as was asked, and less than a second longer.
fn delayed(stage: &str, seconds: u32) -> Result<String> {
    const NEXT: &str = "\n  next:\n";
    if stage.matches(NEXT).count() != 1 || stage.contains("\n  delay:") {
        return Err(Error::Stage(COMPLETE.to_owned()));
    }
    let length = format!(".metadata.annotations[\"{RUN_SECONDS_ANNOTATION}\"] // \"{seconds}\"");
    let end = format!("(.status.startTime | fromdate) + ({length} | tonumber) + 1 | todate");
    let milliseconds = u64::from(seconds) * 1000;
    let delay = format!(
        "\n  delay:\n    durationMilliseconds: {milliseconds}\n    durationFrom:\n      expressionFrom: '{end}'"
    );
    Ok(stage.replace(NEXT, &format!("{delay}{NEXT}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_that_kwok_has_changed_is_refused_rather_than_left_undelayed() {
        assert!(delayed("spec:\n  delay:\n    durationMilliseconds: 1\n  next:\n", 5).is_err());
        assert!(delayed("spec:\n  steps: []\n", 5).is_err());
        assert!(delayed("spec:\n  next:\n    delete: false\n", 5).is_ok());
    }
}
