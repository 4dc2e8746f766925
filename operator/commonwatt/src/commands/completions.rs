//! `commonwatt completions`: what a shell needs to complete the rest.

use std::io;
use std::process::ExitCode;

use clap::{Args, CommandFactory};
use clap_complete::{Shell, generate};

use super::Commonwatt;

/// Print the completion script of a shell
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  source <(commonwatt completions bash)\n  \
                        commonwatt completions zsh > \"${fpath[1]}/_commonwatt\"\n\n\
                        For `kubectl commonwatt`, kubectl's own completion asks a program beside the plugin; both are this one:\n  \
                        ln -s \"$(command -v commonwatt)\" /usr/local/bin/kubectl-commonwatt\n  \
                        ln -s \"$(command -v commonwatt)\" /usr/local/bin/kubectl_complete-commonwatt")]
pub struct Completions {
    /// Which shell
    #[arg(value_enum)]
    shell: Shell,
}

impl Completions {
    /// Runs it.
    pub fn run(self) -> ExitCode {
        generate(
            self.shell,
            &mut Commonwatt::command(),
            "commonwatt",
            &mut io::stdout(),
        );
        ExitCode::SUCCESS
    }
}
