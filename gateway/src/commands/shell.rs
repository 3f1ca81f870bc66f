//! `sealgate completion` and `sealgate manual`, both from the same definitions as `--help`.

use crate::cli::Cli;
use crate::exit::{Exit, Outcome, Stop};
use crate::output;
use clap::CommandFactory;
use clap_complete::Shell;
use clap_mangen::Man;

/// Prints the completion script for a shell.
///
/// # Errors
/// [`Exit::Failed`] when nobody reads it.
pub fn completion(shell: Shell) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "sealgate", &mut script);
    print(&script)
}

/// Prints the manual: one page for the program and one for each command, in the form that `man -l -` reads.
///
/// # Errors
/// [`Exit::Failed`] when nobody reads it.
pub fn manual() -> Outcome {
    let mut program = Cli::command();
    program.build();
    let mut pages = Vec::new();
    write_page(&program, &mut pages).map_err(|why| Stop::new(Exit::Failed, why))?;
    print(&pages)
}

fn write_page(command: &clap::Command, pages: &mut Vec<u8>) -> std::io::Result<()> {
    Man::new(command.clone()).render(pages)?;
    let of_its_own = command.get_subcommands().filter(|command| command.get_name() != "help" && !command.is_hide_set());
    for command in of_its_own {
        write_page(command, pages)?;
    }
    Ok(())
}

fn print(bytes: &[u8]) -> Outcome {
    output::line(String::from_utf8_lossy(bytes).trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_has_its_page() {
        let mut program = Cli::command();
        program.build();
        let mut pages = Vec::new();
        write_page(&program, &mut pages).unwrap();
        let pages = String::from_utf8(pages).unwrap();
        for name in ["sealgate ", "sealgate-audit-verify", "sealgate-key-recover", "sealgate-send"] {
            assert!(pages.contains(&format!(".TH {name}")) || pages.contains(&format!(".TH \"{name}")), "{name}");
        }
    }
}
