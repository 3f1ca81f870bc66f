//! From what was verified about a person to what they may be here: ordered rules, of which the first that fits decides.

use super::assertion::{Assertion, Groups};
use super::since::Since;
use crate::access::{Clinics, Purpose, Roles};
use crate::id::RecordId;
use crate::time::Timestamp;
use alloc::string::String;
use alloc::vec::Vec;
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
    /// The group that decided it, where the provider told ahead who is in it.
    pub provided_group: Option<String>,
    /// When password or second factor of the account had last been changed by which they come; `None` for a connection.
    pub password_changed: Option<Timestamp>,
    /// The moments of what they are admitted by.
    pub since: Since,
    /// The roles that were given and cannot be had in these clinics, see [`Roles::within`].
    pub dropped: Roles,
}

impl Admitted {
    /// Returns what somebody may be who is given these roles in these clinics; what cannot be had there is dropped.
    #[must_use]
    pub fn given(roles: Roles, clinics: Clinics, purpose: Purpose) -> Self {
        let held = roles.within(&clinics);
        let dropped = roles.iter().filter(|role| !held.contains(*role)).collect();
        Self {
            roles: held,
            clinics,
            purpose,
            provided_group: None,
            password_changed: None,
            since: Since::default(),
            dropped,
        }
    }
}

/// Why a verified person is not admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotAdmitted {
    /// No rule fits.
    Unmapped,
    /// A rule asks for a group, and the issuer did not say which groups there are.
    GroupsUnknown,
    /// The connection admits people that its provider told of, and it did not tell of this one.
    NotProvisioned,
    /// The provider told that this person may no longer come.
    Deactivated,
    /// None of the roles that are given can be had in the clinics that are given with them.
    NoRole,
}

impl NotAdmitted {
    /// Every reason.
    pub const ALL: &'static [NotAdmitted] = &[
        NotAdmitted::Unmapped,
        NotAdmitted::GroupsUnknown,
        NotAdmitted::NotProvisioned,
        NotAdmitted::Deactivated,
        NotAdmitted::NoRole,
    ];

    /// Returns the word that audit contexts carry.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            NotAdmitted::Unmapped => "unmapped",
            NotAdmitted::GroupsUnknown => "groups-unknown",
            NotAdmitted::NotProvisioned => "not-provisioned",
            NotAdmitted::Deactivated => "deactivated",
            NotAdmitted::NoRole => "no-role",
        }
    }
}

/// What a connection's provider told of a person ahead of their sign-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Nothing, and it need not.
    NotNeeded,
    /// Nothing, and whoever it did not tell of is not admitted.
    Missing,
    /// That the person may no longer come.
    Deactivated,
    /// That the person may come.
    Active {
        /// The person's record in the directory.
        person: RecordId,
        /// The moment that names what it told, see [`Since`].
        since: Timestamp,
        /// Names and ids of the groups, where these are asked instead of those of the assertion.
        groups: Option<ProvidedGroups>,
    },
}

/// The groups of a person as a provider told of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProvidedGroups {
    /// Their names and ids.
    pub named: Vec<String>,
    /// Whether they count even where the assertion lists groups.
    pub always: bool,
}

/// Admits a person by the first rule that fits, if their standing allows it.
///
/// Where a rule asks for a group and the groups are unknown, nothing after it is looked at: that rule might have
/// been the one.
///
/// # Errors
/// [`NotAdmitted`].
pub fn admit(rules: &[Rule], assertion: &Assertion, standing: &Standing) -> Result<Admitted, NotAdmitted> {
    let (provided, told) = match standing {
        Standing::Missing => return Err(NotAdmitted::NotProvisioned),
        Standing::Deactivated => return Err(NotAdmitted::Deactivated),
        Standing::NotNeeded => (None, None),
        Standing::Active { groups, since, .. } => (groups.as_ref(), Some(*since)),
    };
    let (groups, told_ahead) = match (&assertion.groups, provided) {
        (Groups::Known(_), Some(provided)) if provided.always => (Some(&provided.named), true),
        (Groups::Known(asserted), _) => (Some(asserted), false),
        (Groups::Unknown, provided) => (provided.map(|provided| &provided.named), true),
    };
    for rule in rules {
        let fits = match (&rule.when, groups) {
            (Criterion::Role(role), _) => assertion.roles.contains(role),
            (Criterion::Group(group), Some(groups)) => groups.contains(group),
            (Criterion::Group(_), None) => return Err(NotAdmitted::GroupsUnknown),
            (Criterion::Attribute { name, value }, _) => {
                assertion.attributes.iter().any(|(known, values)| known == name && values.contains(value))
            }
            (Criterion::Subject(subject), _) => assertion.subject == *subject,
        };
        if fits {
            let provided_group = match &rule.when {
                Criterion::Group(group) if told_ahead => Some(group.clone()),
                Criterion::Group(_) | Criterion::Role(_) | Criterion::Attribute { .. } | Criterion::Subject(_) => None,
            };
            let Rule { roles, ref clinics, purpose, .. } = *rule;
            let since = Since { told, ..Since::default() };
            return Ok(Admitted { provided_group, since, ..Admitted::given(roles, clinics.clone(), purpose) });
        }
    }
    Err(NotAdmitted::Unmapped)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::{Factor, Role};
    use crate::id::{ClinicId, TenantId};
    use crate::time::Timestamp;
    use alloc::string::ToString;
    use alloc::vec;
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

    #[test]
    fn whoever_the_provider_must_tell_of_and_did_not_is_not_admitted() {
        let rules = [rule(Criterion::Role("Provider".to_string()), Role::Provider)];
        let asserted = assertion(Groups::Known(Vec::new()));
        let decided = |standing| super::admit(&rules, &asserted, &standing);
        assert_eq!(decided(Standing::Missing), Err(NotAdmitted::NotProvisioned));
        assert_eq!(decided(Standing::Deactivated), Err(NotAdmitted::Deactivated));
        assert!(decided(Standing::Active { person: RecordId([7; 16]), since: Timestamp(0), groups: None }).is_ok());
    }

    #[test]
    fn provided_groups_count_where_the_assertion_lists_none_or_where_they_always_do() {
        let rules = [rule(Criterion::Group("lab".to_string()), Role::Staff)];
        let provided = |names: &[&str], always| Standing::Active {
            since: Timestamp(0),
            person: RecordId([7; 16]),
            groups: Some(ProvidedGroups { named: names.iter().map(ToString::to_string).collect(), always }),
        };
        let (asserted, unlisted) = (assertion(Groups::Known(vec!["lab".to_string()])), assertion(Groups::Unknown));
        let group = |assertion, standing| super::admit(&rules, assertion, &standing).unwrap().provided_group;
        assert_eq!(group(&unlisted, provided(&["lab"], false)).as_deref(), Some("lab"));
        assert_eq!(group(&asserted, provided(&["lab"], true)).as_deref(), Some("lab"));
        assert_eq!(group(&asserted, provided(&["lab"], false)), None, "what is asserted rests on nothing else");
        assert_eq!(super::admit(&rules, &unlisted, &provided(&[], false)), Err(NotAdmitted::Unmapped));
        assert!(super::admit(&rules, &asserted, &provided(&[], false)).is_ok(), "what is asserted counts");
        assert_eq!(super::admit(&rules, &asserted, &provided(&[], true)), Err(NotAdmitted::Unmapped));
        let silent = Standing::Active { person: RecordId([7; 16]), since: Timestamp(0), groups: None };
        assert_eq!(super::admit(&rules, &unlisted, &silent), Err(NotAdmitted::GroupsUnknown));
    }

    #[test]
    fn whoever_administers_some_clinics_alone_does_not_administer() {
        let clinics = Clinics::Some(vec![ClinicId([3; 16])]);
        let split = Rule {
            roles: Roles::of(&[Role::Admin, Role::Staff]),
            clinics,
            ..rule(Criterion::Role("Provider".to_string()), Role::Staff)
        };
        let asserted = assertion(Groups::Known(Vec::new()));
        let admitted = admit(core::slice::from_ref(&split), &asserted).unwrap();
        assert_eq!((admitted.roles, admitted.dropped), (Roles::of(&[Role::Staff]), Roles::of(&[Role::Admin])));
        let whole = admit(&[Rule { clinics: Clinics::All, ..split }], &asserted).unwrap();
        assert_eq!((whole.roles, whole.dropped), (Roles::of(&[Role::Admin, Role::Staff]), Roles::NONE));
    }

    fn admit(rules: &[Rule], assertion: &Assertion) -> Result<Admitted, NotAdmitted> {
        super::admit(rules, assertion, &Standing::NotNeeded)
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
