//! What is kept for a connection's provider and has an end, and how near it is.

/// Most people that the provider of a connection may tell of, those taken back included: each is opened at every load of the directory.
pub const MAX_PROVISIONED_PEOPLE: usize = 100_000;
/// Most groups, counted so.
pub const MAX_PROVISIONED_GROUPS: usize = 10_000;

/// What is kept for a connection's provider and has an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bounded {
    /// People that it told of; beyond, it tells of no new ones.
    People,
    /// Groups that it told of; beyond, it tells of no new ones.
    Groups,
    /// Names that people gave up or were taken back with; beyond, the connection admits only people that it was told of.
    FormerNames,
}

impl Bounded {
    /// Everything that has an end.
    pub const ALL: &'static [Bounded] = &[Bounded::People, Bounded::Groups, Bounded::FormerNames];

    /// Returns the word that commands and logs have for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Bounded::People => "people",
            Bounded::Groups => "groups",
            Bounded::FormerNames => "former-names",
        }
    }

    /// Returns how many there may be.
    #[must_use]
    pub const fn most(self) -> usize {
        match self {
            Bounded::People => MAX_PROVISIONED_PEOPLE,
            Bounded::Groups => MAX_PROVISIONED_GROUPS,
            Bounded::FormerNames => MAX_REMEMBERED,
        }
    }

    /// Says how near so many are to the end.
    #[must_use]
    pub const fn level(self, kept: usize) -> Level {
        if kept >= self.most() {
            Level::Full
        } else if kept >= self.most().div_euclid(10).saturating_mul(8) {
            Level::NearlyFull
        } else {
            Level::Room
        }
    }
}

/// How near something is to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Less than 80 %.
    Room,
    /// 80 % or more.
    NearlyFull,
    /// As many as may be.
    Full,
}

/// Most people and most names of a connection that are remembered as taken back or given up, some 5 MiB.
///
/// None of them may be forgotten just so: at a connection that also admits people it was not told of, whoever was taken back would be
/// one of these again. So a connection with more is treated as one that admits only people it was told of. Then it need know nobody
/// to refuse them, and what is held of those who are gone is bounded. From 80 % on the log and `sealgate status` say so. No age ends
/// it: a person who was deleted years ago may still have an account at the provider. What is stored of each is a record of ids and
/// digests, beside the entries about it in the chain.
pub(super) const MAX_REMEMBERED: usize = 50_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_said_before_there_is_an_end() {
        for what in Bounded::ALL {
            let most = what.most();
            let level = |tenths: usize| what.level(most / 10 * tenths);
            assert_eq!([level(0), level(8), level(10)], [Level::Room, Level::NearlyFull, Level::Full], "{what:?}");
            assert_eq!([what.level(most / 10 * 8 - 1), what.level(most - 1)], [Level::Room, Level::NearlyFull]);
        }
    }
}
