//! What a record, or a resource sealed in it, is.

use core::fmt;

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $code:literal),+ $(,)?) => {
        /// The kind of a record or resource; its name is the FHIR type where there is one.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Kind { $($(#[$doc])* $name),+ }

        impl Kind {
            /// Every kind, in the order of their codes.
            pub const ALL: &'static [Kind] = &[$(Kind::$name),+];

            /// Returns the number that stands for this kind in sealed content and in the database; never reused.
            #[must_use]
            pub const fn code(self) -> u8 {
                match self { $(Kind::$name => $code),+ }
            }

            /// Returns the kind of a code, or `None` when no kind has it.
            #[must_use]
            pub const fn from_code(code: u8) -> Option<Kind> {
                match code { $($code => Some(Kind::$name),)+ _ => None }
            }

            /// Returns the name, which is the FHIR resource type where there is one.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Kind::$name => stringify!($name)),+ }
            }

            /// Returns the kind of this name, matched exactly.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Kind> {
                match name { $(stringify!($name) => Some(Kind::$name),)+ _ => None }
            }
        }
    };
}

kinds! {
    /// A message exactly as it was received.
    Hl7Message = 1,
    /// What became of a message: what it was mapped to and what was not mapped.
    MessageTrace = 2,
    /// Bytes that were no message, kept exactly as they came.
    QuarantinedFrame = 3,
    /// FHIR R4 DiagnosticReport; as a record, the report with everything that belongs to it alone.
    DiagnosticReport = 10,
    /// FHIR R4 Observation.
    Observation = 11,
    /// FHIR R4 Specimen.
    Specimen = 12,
    /// FHIR R4 ServiceRequest.
    ServiceRequest = 13,
    /// FHIR R4 Provenance.
    Provenance = 14,
    /// FHIR R4 Patient.
    Patient = 20,
    /// FHIR R4 Encounter.
    Encounter = 21,
    /// FHIR R4 Practitioner.
    Practitioner = 30,
    /// FHIR R4 PractitionerRole.
    PractitionerRole = 31,
    /// FHIR R4 Organization.
    Organization = 32,
    /// A legal party whose data and keys are separate.
    Tenant = 40,
    /// A unit inside a tenant.
    Clinic = 41,
    /// A configured connection with a partner.
    Interface = 42,
    /// A system that reads over FHIR with a bearer token.
    ApiClient = 43,
    /// A connection with an identity provider.
    Connection = 44,
    /// A person's account kept here.
    Account = 45,
    /// An application that reads over FHIR by SMART.
    Application = 46,
    /// A person as an identity provider told of them ahead of their sign-in.
    ProvisionedPerson = 47,
    /// A group of such people.
    ProvisionedGroup = 48,
    /// What belongs to an audit entry and does not fit its 14 fields.
    AuditContext = 50,
    /// A breaking of the glass, and how it was judged.
    GlassReview = 51,
}

impl Kind {
    /// Says whether this kind is served over FHIR.
    #[must_use]
    pub const fn is_fhir(self) -> bool {
        matches!(
            self,
            Kind::DiagnosticReport
                | Kind::Observation
                | Kind::Specimen
                | Kind::ServiceRequest
                | Kind::Provenance
                | Kind::Patient
                | Kind::Encounter
                | Kind::Practitioner
                | Kind::PractitionerRole
                | Kind::Organization
        )
    }

    /// Says whether this kind is kept by the system in its directory.
    #[must_use]
    pub const fn is_directory(self) -> bool {
        self.is_directory_of_tenant() || matches!(self, Kind::Tenant)
    }

    /// Says whether this kind is kept in the directory below a tenant.
    #[must_use]
    pub const fn is_directory_of_tenant(self) -> bool {
        matches!(
            self,
            Kind::Clinic
                | Kind::Interface
                | Kind::ApiClient
                | Kind::Connection
                | Kind::Account
                | Kind::Application
                | Kind::ProvisionedPerson
                | Kind::ProvisionedGroup
        )
    }

    /// Returns the kind of the record that a resource of this kind is sealed in.
    #[must_use]
    pub const fn record(self) -> Kind {
        match self {
            Kind::Observation | Kind::Specimen | Kind::ServiceRequest | Kind::Provenance => Kind::DiagnosticReport,
            Kind::MessageTrace => Kind::Hl7Message,
            other => other,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
