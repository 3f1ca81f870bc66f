//! From what was verified about a person to what they may be here: ordered rules, of which the first that fits decides.

use super::assertion::{Assertion, Groups};
use crate::access::{Clinics, Purpose, Roles};
use alloc::string::String;
use serde::{Deserialize, Serialize};

/// One rule of a connection: whoever fits the criterion gets these roles in these clinics.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Whom it is for.
    pub when: Criterion,
    /// The roles they get.
    pub roles: Roles,
    /// The clinics these reach.
    pub clinics: Clinics,
    /// What they act for.
    #[serde(default)]
    pub purpose: Purpose,
}

/// What an assertion must say; values are compared exactly.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Criterion {
    /// It names this role.
    Role(String),
    /// It names this group.
    Group(String),
    /// An attribute of this name has this value among its values.
    Attribute {
        /// The attribute, as the issuer names it.
        name: String,
        /// The value.
        value: String,
    },
    /// It is about this very person: the issuer's own name for them.
    Subject(String),
}

/// What a person may be here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admitted {
    /// Their roles.
    pub roles: Roles,
    /// The clinics these reach.
    pub clinics: Clinics,
    /// What they act for.
    pub purpose: Purpose,
}

/// Why a verified person is not admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotAdmitted {
    /// No rule fits.
    Unmapped,
    /// A rule asks for a group, and the issuer did not say which groups there are.
    GroupsUnknown,
}

impl NotAdmitted {
    /// Returns the word that audit contexts carry.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            NotAdmitted::Unmapped => "unmapped",
            NotAdmitted::GroupsUnknown => "groups-unknown",
        }
    }
}

/// Admits a person by the first rule that fits.
///
/// Where a rule asks for a group and the groups are unknown, nothing after it is looked at: that rule might have
/// been the one.
///
/// # Errors
/// [`NotAdmitted`].
pub fn admit(rules: &[Rule], assertion: &Assertion) -> Result<Admitted, NotAdmitted> {
    for rule in rules {
        let fits = match (&rule.when, &assertion.groups) {
            (Criterion::Role(role), _) => assertion.roles.contains(role),
            (Criterion::Group(group), Groups::Known(groups)) => groups.contains(group),
            (Criterion::Group(_), Groups::Unknown) => return Err(NotAdmitted::GroupsUnknown),
            (Criterion::Attribute { name, value }, _) => {
                assertion.attributes.iter().any(|(known, values)| known == name && values.contains(value))
            }
            (Criterion::Subject(subject), _) => assertion.subject == *subject,
        };
        if fits {
            return Ok(Admitted { roles: rule.roles, clinics: rule.clinics.clone(), purpose: rule.purpose });
        }
    }
    Err(NotAdmitted::Unmapped)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::{Factor, Role};
    use crate::id::{RecordId, TenantId};
    use crate::time::Timestamp;
    use alloc::string::ToString;
    use alloc::vec;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    fn assertion(groups: Groups) -> Assertion {
        Assertion {
            connection: RecordId([1; 16]),
            tenant: TenantId([2; 16]),
            issuer: "https://idp.example".to_string(),
            subject: "alice".to_string(),
            display: "Alice".to_string(),
            roles: vec!["Provider".to_string()],
            groups,
            attributes: vec![("department".to_string(), vec!["lab".to_string(), "ward".to_string()])],
            factor: Factor::Shown,
            authenticated: Timestamp(0),
            until: None,
            provider_session: None,
        }
    }

    fn rule(when: Criterion, role: Role) -> Rule {
        Rule { when, roles: Roles::of(&[role]), clinics: Clinics::All, purpose: Purpose::Treatment }
    }

    #[test]
    fn the_first_rule_that_fits_decides() {
        let rules = [
            rule(Criterion::Group("nobody".to_string()), Role::Admin),
            rule(Criterion::Attribute { name: "department".to_string(), value: "ward".to_string() }, Role::Staff),
            rule(Criterion::Role("Provider".to_string()), Role::Provider),
        ];
        let admitted = admit(&rules, &assertion(Groups::Known(Vec::new()))).unwrap();
        assert_eq!(admitted.roles, Roles::of(&[Role::Staff]));
    }

    #[test]
    fn whoever_fits_no_rule_is_not_admitted() {
        let rules = [rule(Criterion::Role("provider".to_string()), Role::Provider)];
        assert_eq!(admit(&rules, &assertion(Groups::Known(Vec::new()))), Err(NotAdmitted::Unmapped));
        assert_eq!(admit(&[], &assertion(Groups::Known(Vec::new()))), Err(NotAdmitted::Unmapped));
    }

    #[test]
    fn groups_that_were_not_listed_are_unknown_and_not_none() {
        let group = rule(Criterion::Group("lab".to_string()), Role::ReadOnly);
        let role = rule(Criterion::Role("Provider".to_string()), Role::Provider);
        let unlisted = assertion(Groups::Unknown);
        assert_eq!(admit(&[group.clone(), role.clone()], &unlisted), Err(NotAdmitted::GroupsUnknown));
        assert!(admit(&[role, group], &unlisted).is_ok(), "a rule before it does not need the groups");
    }

    proptest! {
        #[test]
        fn taking_a_rule_away_at_the_end_admits_nobody_else(groups in prop::collection::vec("[a-c]", 0..3), wanted in prop::collection::vec("[a-d]", 1..5)) {
            let rules: Vec<Rule> = wanted.into_iter().map(|group| rule(Criterion::Group(group), Role::ReadOnly)).collect();
            let asserted = assertion(Groups::Known(groups));
            let (_, fewer) = rules.split_last().unwrap();
            prop_assert!(admit(fewer, &asserted).is_err() || admit(&rules, &asserted).is_ok());
        }
    }
}
