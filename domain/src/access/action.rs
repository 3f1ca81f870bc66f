//! What is asked for.

macro_rules! actions {
    ($($(#[$doc:meta])* $name:ident = $text:literal),+ $(,)?) => {
        /// Everything the policy knows that can be done.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Action { $($(#[$doc])* $name),+ }

        impl Action {
            /// Every action.
            pub const ALL: &'static [Action] = &[$(Action::$name),+];

            /// Returns its name as audit entries and the policy grid write it: `group.verb`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Action::$name => $text),+ }
            }

            /// Returns the action of this name, matched exactly; `None` for an unknown one, which therefore nobody may do.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Action> {
                match name { $($text => Some(Action::$name),)+ _ => None }
            }
        }
    };
}

actions! {
    /// Take in a message and change the records it speaks of.
    MessageReceive = "message.receive",
    /// See a received message as it came, and what it was mapped to.
    MessageView = "message.view",
    /// Map a stored message once more.
    MessageReplay = "message.replay",
    /// Change a received message.
    MessageEdit = "message.edit",
    /// Send a message on.
    MessageRoute = "message.route",
    /// Read one resource or an older version of it.
    FhirRead = "fhir.read",
    /// Look for resources; each hit is decided again on its own.
    FhirSearch = "fhir.search",
    /// See a resource that a search found; decided for each hit on its own.
    FhirHit = "fhir.hit",
    /// List the versions of one resource.
    FhirHistory = "fhir.history",
    /// Create a resource.
    FhirCreate = "fhir.create",
    /// Replace a resource.
    FhirUpdate = "fhir.update",
    /// Change part of a resource.
    FhirPatch = "fhir.patch",
    /// Delete a resource.
    FhirDelete = "fhir.delete",
    /// Take out resources in bulk.
    FhirExport = "fhir.export",
    /// Sign a report.
    ReportSign = "report.sign",
    /// Take out a report with its documents, as files.
    ReportExport = "report.export",
    /// Run an interface test with synthetic messages.
    TestRun = "test.run",
    /// Read audit entries and their contexts.
    AuditRead = "audit.read",
    /// Take out audit entries.
    AuditExport = "audit.export",
    /// Verify audit chains.
    AuditVerify = "audit.verify",
    /// Set a broken chain aside and begin a new one.
    AuditQuarantine = "audit.quarantine",
    /// Begin a new generation of a tenant's key.
    KeyRotate = "key.rotate",
    /// Add or remove a way to open the root key.
    KeyCustody = "key.custody",
    /// Destroy the data key of a compartment, and with it the data.
    KeyShred = "key.shred",
    /// List tenants, clinics, interfaces and clients.
    DirectoryRead = "directory.read",
    /// Add or change a tenant, clinic, interface or client.
    DirectoryChange = "directory.change",
    /// List persons and their roles.
    UserRead = "user.read",
    /// Add or change persons and their roles.
    UserChange = "user.change",
    /// See the policy and explain a decision.
    PolicyRead = "policy.read",
    /// Change settings of the policy.
    PolicyChange = "policy.change",
    /// Make a backup.
    BackupMake = "backup.make",
    /// Restore a backup.
    BackupRestore = "backup.restore",
    /// Break the glass for one patient.
    BreakGlassStart = "breakglass.start",
    /// Review what was done behind broken glass.
    BreakGlassReview = "breakglass.review",
    /// See whether the gateway is well.
    SystemStatus = "system.status",
    /// Change settings of the gateway.
    SystemConfigure = "system.configure",
    /// Stop the gateway.
    SystemStop = "system.stop",
}

impl Action {
    /// Says whether this action shows patient data to somebody; labels and consent speak about these.
    #[must_use]
    pub const fn discloses(self) -> bool {
        matches!(
            self,
            Action::MessageView
                | Action::MessageRoute
                | Action::FhirRead
                | Action::FhirSearch
                | Action::FhirHit
                | Action::FhirHistory
                | Action::FhirExport
                | Action::ReportSign
                | Action::ReportExport
        )
    }

    /// Says whether a permit of this action is left out of the audit trail: it shows no patient data and changes nothing.
    #[must_use]
    pub const fn passes_unrecorded(self) -> bool {
        matches!(
            self,
            Action::DirectoryRead | Action::UserRead | Action::PolicyRead | Action::SystemStatus | Action::AuditVerify
        )
    }
}
