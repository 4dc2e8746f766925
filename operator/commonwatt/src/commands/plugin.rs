//! The same program as kubectl's plugin: `kubectl-commonwatt` is `kubectl commonwatt`, and `kubectl_complete-commonwatt`
//! is whom kubectl's own completion asks.

use std::ffi::OsString;
use std::path::Path;

use clap::{Command, CommandFactory};
use clap_complete::engine::complete;

use super::Commonwatt;

/// The name kubectl looks for.
const PLUGIN: &str = "kubectl-commonwatt";
/// The name kubectl's completion looks for.
const COMPLETER: &str = "kubectl_complete-commonwatt";
/// kubectl's `ShellCompDirectiveNoFileComp`: the last line of an answer without files.
const NO_FILES: &str = ":4";

/// The command line under the name that this process was called by.
pub fn named() -> Command {
    let called = std::env::args_os().next().unwrap_or_default();
    let called = Path::new(&called).file_name().unwrap_or_default();
    if called == PLUGIN {
        as_plugin(Commonwatt::command())
    } else {
        Commonwatt::command()
    }
}

/// kubectl's completion asks under another name, with the words so far as arguments and the unfinished one last.
pub fn asked_to_complete() -> Option<String> {
    let mut words = std::env::args_os();
    let called = words.next()?;
    if Path::new(&called).file_name()? != COMPLETER {
        return None;
    }
    Some(completions(words.collect()))
}

fn completions(words: Vec<OsString>) -> String {
    let words: Vec<OsString> = std::iter::once(OsString::from("commonwatt"))
        .chain(words)
        .collect();
    let last = words.len() - 1;
    let found = complete(&mut Commonwatt::command(), words, last, None).unwrap_or_default();
    let mut text = String::new();
    for candidate in found {
        text.push_str(&candidate.get_value().to_string_lossy());
        if let Some(help) = candidate.get_help() {
            text.push('\t');
            text.push_str(help.to_string().lines().next().unwrap_or_default());
        }
        text.push('\n');
    }
    text + NO_FILES + "\n"
}

/// Usage and examples as they are typed there.
fn as_plugin(command: Command) -> Command {
    let names: Vec<String> = command
        .get_subcommands()
        .map(|command| command.get_name().to_owned())
        .collect();
    let mut command = command.bin_name("kubectl commonwatt");
    for name in names {
        command = command.mut_subcommand(name, |command| {
            let Some(help) = command.get_after_help() else {
                return command;
            };
            let help = help
                .to_string()
                .replace("  commonwatt ", "  kubectl commonwatt ");
            command.after_help(help)
        });
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_help_with_an_example() {
        for command in Commonwatt::command().get_subcommands() {
            let help = command.get_after_help().map(ToString::to_string);
            let name = command.get_name();
            let example = format!("commonwatt {name}");
            assert!(
                help.is_some_and(|help| help.contains("Examples:") && help.contains(&example)),
                "{name}"
            );
        }
    }

    #[test]
    fn as_a_plugin_usage_and_examples_are_as_they_are_typed() {
        let mut command = as_plugin(Commonwatt::command());
        let help = command
            .find_subcommand_mut("plan")
            .map(|plan| plan.render_help().to_string())
            .unwrap_or_default();
        assert!(help.contains("  kubectl commonwatt plan deploy"), "{help}");
        assert!(!help.contains("  commonwatt plan"), "{help}");
        let usage = as_plugin(Commonwatt::command()).render_usage().to_string();
        assert!(usage.contains("kubectl commonwatt"), "{usage}");
    }

    #[test]
    fn kubectls_completion_gets_commands_and_flags() {
        let of = |words: &[&str]| completions(words.iter().map(OsString::from).collect());
        let commands = of(&["si"]);
        assert!(commands.starts_with("sites\t"), "{commands}");
        assert!(commands.ends_with("\n:4\n"), "{commands}");
        assert!(of(&["plan", "--kubec"]).contains("--kubeconfig"));
        assert!(of(&["sites", "-o", "w"]).starts_with("wide"));
    }
}
