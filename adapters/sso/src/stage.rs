//! The steps of a sign-in, in the order in which they are taken.

/// A step of a sign-in: where to look when it does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// The settings of the connection here.
    Connection,
    /// What the provider publishes, and whether it answers.
    Provider,
    /// What the browser brought back from the provider.
    Answer,
    /// What was fetched from the provider for it.
    Exchange,
    /// Who signed it.
    Signature,
    /// What it says.
    Claims,
    /// Name and password.
    Credentials,
    /// The second factor.
    Factor,
    /// Whom the connection's rules admit, and what the provider told ahead.
    Rules,
    /// Where the person comes from.
    Address,
    /// The sign-out that a provider asked for.
    SignOut,
    /// This gateway itself.
    Gateway,
}

impl Stage {
    /// Returns its name as operators read it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Stage::Connection => "connection",
            Stage::Provider => "provider",
            Stage::Answer => "answer",
            Stage::Exchange => "exchange",
            Stage::Signature => "signature",
            Stage::Claims => "claims",
            Stage::Credentials => "name and password",
            Stage::Factor => "second factor",
            Stage::Rules => "rules",
            Stage::Address => "address",
            Stage::SignOut => "sign-out",
            Stage::Gateway => "gateway",
        }
    }
}
