//! Exit codes, one for each thing an operator or a script would do differently.

use std::fmt;

/// Why the program ends; the number is part of the interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Everything asked for was done.
    Done = 0,
    /// It was tried and did not succeed; the line on standard error says why.
    Failed = 1,
    /// The command line is wrong.
    Usage = 2,
    /// A chain is broken, cut short or rolled back (EX_DATAERR): nothing was served.
    BrokenChain = 65,
    /// A file or database that is needed is not there (EX_NOINPUT).
    Missing = 66,
    /// The database, a port or a peer cannot be had (EX_UNAVAILABLE).
    Unavailable = 69,
    /// The roots do not open with the secret given (EX_NOPERM).
    WrongSecret = 77,
    /// The configuration is wrong (EX_CONFIG).
    Configuration = 78,
}

impl Exit {
    /// Returns the number.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::BrokenChain => 65,
            Exit::Missing => 66,
            Exit::Unavailable => 69,
            Exit::WrongSecret => 77,
            Exit::Configuration => 78,
        }
    }
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.number())
    }
}

/// One clear line about what went wrong, and the exit code that goes with it.
#[derive(Debug)]
pub struct Stop {
    /// The exit code.
    pub exit: Exit,
    /// The line for standard error; never patient data, never a secret.
    pub line: String,
}

impl Stop {
    /// Makes a stop from anything that can be said.
    pub fn new(exit: Exit, line: impl fmt::Display) -> Self {
        Self { exit, line: line.to_string() }
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.line)
    }
}

/// The result of every command.
pub type Outcome<T = ()> = Result<T, Stop>;
