//! The one table of what is served: address, methods, and who may come. Nothing is mounted that is not in it.

use actix_web::http::Method;

/// A page or an act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Page {
    /// Sends to where one belongs.
    Home,
    /// The stylesheet and the script.
    Asset,
    /// Asks which organization somebody belongs to.
    Discover,
    /// Offers the ways to sign in.
    SignIn,
    /// Checks name and password.
    Password,
    /// Asks for a code of the second factor.
    Code,
    /// Takes the answer of a security key.
    Key,
    /// Asks for a recovery code.
    Recovery,
    /// Sets up the second factor.
    Enrol,
    /// Sets up a security key as the second factor.
    EnrolKey,
    /// Takes up an invitation: a new password.
    Invitation,
    /// Goes to an identity provider.
    Start,
    /// Comes back from an OpenID provider.
    OidcCallback,
    /// The same, at the address of one connection.
    OidcOwnCallback,
    /// Our keys, for an OpenID provider.
    OidcKeys,
    /// An OpenID provider ends sessions.
    OidcBackchannel,
    /// Comes back from a SAML identity provider.
    SamlAcs,
    /// Describes us to a SAML identity provider.
    SamlMetadata,
    /// A SAML identity provider ends sessions, or answers that it did.
    SamlLogout,
    /// Proves once more who one is.
    StepUp,
    /// Ends the session.
    SignOut,
    /// Says that the session is over.
    SignedOut,
    /// Warns that the session is about to end; looks at no session, so as not to prolong it.
    Ending,
    /// Says that the session ended.
    Ended,
    /// The account and its sessions.
    Account,
    /// Changes the password.
    ChangePassword,
    /// Replaces the authenticator app.
    Authenticator,
    /// The security keys; adds one.
    SecurityKeys,
    /// Removes a security key.
    RemoveKey,
    /// Draws new recovery codes.
    RecoveryCodes,
    /// Ends one session.
    EndSession,
    /// Ends every session but this one.
    EndOthers,
    /// Finds a patient.
    FindPatient,
    /// The patients that were found.
    FoundPatients,
    /// A patient and their reports.
    Patient,
    /// One report.
    Report,
    /// The versions of a report.
    History,
    /// An older version of a report.
    Version,
    /// A document attached to a report.
    Document,
    /// A document attached to an older version of a report.
    OldDocument,
    /// Opens an application from a patient's page.
    OpenApplication,
    /// Takes an application's request.
    Authorize,
    /// Asks whether the application gets what it asked for.
    Consent,
    /// Asks which patient it is about.
    ChoosePatient,
    /// Breaks the glass.
    BreakGlass,
    /// Mends it.
    EndGlass,
    /// What was broken and waits for a review.
    Reviews,
    /// One of them, and its judgement.
    Review,
}

impl Page {
    /// Says whether anything is shown to or done for somebody there whose right must be known; ending it needs no right.
    pub(crate) const fn admits(self) -> bool {
        !matches!(
            self,
            Page::Asset
                | Page::SignOut
                | Page::SignedOut
                | Page::Ending
                | Page::Ended
                | Page::OidcKeys
                | Page::OidcBackchannel
                | Page::SamlMetadata
                | Page::SamlLogout
        )
    }

    /// Says whether an open page wants to know who is signed in. The others look at no session, so that opening them does not prolong it.
    pub(crate) const fn looks_for_a_session(self) -> bool {
        matches!(
            self,
            Page::Home
                | Page::SignIn
                | Page::Password
                | Page::Code
                | Page::Key
                | Page::Recovery
                | Page::Start
                | Page::OidcCallback
                | Page::OidcOwnCallback
        )
    }
}

/// Who may come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Door {
    /// Anybody.
    Open,
    /// Whoever is signed in; others are sent to sign in.
    SignedIn,
    /// Anybody, and a form may come from another site: its protection lies in what it carries, a signature, or it does nothing but lead to a
    /// page that asks. The query is left as it came.
    CrossSite,
}

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row {
    /// The page.
    pub(crate) page: Page,
    /// Its address; a part in braces stands for any one part.
    pub(crate) path: &'static str,
    /// Its methods, `GET` with `HEAD`, as the `Allow` header says them.
    pub(crate) allow: &'static str,
    /// Who may come.
    pub(crate) door: Door,
}

/// Everything that is served; where two rows fit, the first.
pub(crate) const TABLE: &[Row] = &[
    open(Page::Home, "/", READ),
    open(Page::Asset, "/assets/{name}", READ),
    open(Page::Discover, "/sign-in", FORM),
    open(Page::SignIn, "/sign-in/{tenant}", READ),
    open(Page::Password, "/sign-in/{tenant}/password", SEND),
    open(Page::Code, "/sign-in/{tenant}/code", FORM),
    open(Page::Key, "/sign-in/{tenant}/key", SEND),
    open(Page::Recovery, "/sign-in/{tenant}/recovery", FORM),
    open(Page::Enrol, "/sign-in/{tenant}/enrol", FORM),
    open(Page::EnrolKey, "/sign-in/{tenant}/enrol-key", SEND),
    open(Page::Start, "/sign-in/{tenant}/with/{connection}", READ),
    open(Page::Invitation, "/invitation/{secret}", FORM),
    open(Page::OidcCallback, "/auth/oidc/callback", READ),
    open(Page::OidcOwnCallback, "/auth/oidc/callback/{connection}", READ),
    open(Page::OidcKeys, "/auth/oidc/keys/{connection}", READ),
    cross_site(Page::OidcBackchannel, "/auth/oidc/backchannel/{connection}", SEND),
    cross_site(Page::SamlAcs, "/auth/saml/{connection}/acs", SEND),
    open(Page::SamlMetadata, "/auth/saml/{connection}/metadata", READ),
    cross_site(Page::SamlLogout, "/auth/saml/{connection}/slo", READ),
    signed_in(Page::SignOut, "/sign-out", SEND),
    open(Page::SignedOut, "/signed-out", READ),
    open(Page::Ending, "/session-ending", READ),
    open(Page::Ended, "/session-ended", READ),
    signed_in(Page::StepUp, "/step-up", READ),
    signed_in(Page::Account, "/account", READ),
    signed_in(Page::ChangePassword, "/account/password", FORM),
    signed_in(Page::Authenticator, "/account/authenticator", FORM),
    signed_in(Page::SecurityKeys, "/account/keys", FORM),
    signed_in(Page::RemoveKey, "/account/keys/remove", SEND),
    signed_in(Page::RecoveryCodes, "/account/recovery-codes", FORM),
    signed_in(Page::EndSession, "/account/sessions/end", SEND),
    signed_in(Page::EndOthers, "/account/sessions/end-others", SEND),
    signed_in(Page::FindPatient, "/patients", FORM),
    signed_in(Page::FoundPatients, "/patients/found", READ),
    signed_in(Page::Patient, "/patients/{patient}", READ),
    signed_in(Page::OpenApplication, "/patients/{patient}/open", SEND),
    signed_in(Page::Report, "/reports/{report}", READ),
    signed_in(Page::History, "/reports/{report}/history", READ),
    signed_in(Page::Version, "/reports/{report}/versions/{version}", READ),
    signed_in(Page::Document, "/reports/{report}/documents/{number}", READ),
    signed_in(Page::OldDocument, "/reports/{report}/versions/{version}/documents/{number}", READ),
    cross_site(Page::Authorize, "/oauth/authorize", FORM),
    signed_in(Page::Consent, "/oauth/authorize/{request}", FORM),
    signed_in(Page::ChoosePatient, "/oauth/authorize/{request}/patient", FORM),
    signed_in(Page::BreakGlass, "/break-glass", FORM),
    signed_in(Page::EndGlass, "/break-glass/end", SEND),
    signed_in(Page::Reviews, "/reviews", READ),
    signed_in(Page::Review, "/reviews/{review}", FORM),
];

/// Returns every path that is served with its methods, as the `Allow` header says them; a part in braces stands for any one part.
pub fn routes() -> impl Iterator<Item = (String, &'static str)> {
    TABLE.iter().map(|row| (row.path.to_owned(), row.allow))
}

impl Row {
    /// Says whether this method is served here.
    pub(crate) fn allows(&self, method: &Method) -> bool {
        form::route::allows(self.allow, method)
    }

    /// Says whether a request of this method may change something: one with a form, or by which somebody comes in or goes.
    pub(crate) fn changes(&self, method: &Method) -> bool {
        *method == Method::POST || matches!(self.page, Page::OidcCallback | Page::OidcOwnCallback | Page::SamlLogout)
    }

    /// Says whether somebody may be sent here after signing in.
    pub(crate) fn can_be_returned_to(&self) -> bool {
        let shown = matches!(self.door, Door::SignedIn) && self.allows(&Method::GET);
        (shown && self.page != Page::StepUp) || self.page == Page::Home
    }
}

/// Returns the row of an address that serves this method.
pub(crate) fn find(method: &Method, path: &str) -> Option<&'static Row> {
    form::route::find(TABLE, |row| row.path, path).map(|(row, _)| row).filter(|row| row.allows(method))
}

const READ: &str = "GET, HEAD";
const SEND: &str = "POST";
const FORM: &str = "GET, HEAD, POST";

const fn open(page: Page, path: &'static str, allow: &'static str) -> Row {
    Row { page, path, allow, door: Door::Open }
}

const fn signed_in(page: Page, path: &'static str, allow: &'static str) -> Row {
    Row { page, path, allow, door: Door::SignedIn }
}

const fn cross_site(page: Page, path: &'static str, allow: &'static str) -> Row {
    Row { page, path, allow, door: Door::CrossSite }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_page_and_every_address_has_one_row() {
        let pages: BTreeSet<_> = TABLE.iter().map(|row| row.page).collect();
        let paths: BTreeSet<_> = TABLE.iter().map(|row| row.path).collect();
        assert_eq!((pages.len(), paths.len()), (TABLE.len(), TABLE.len()));
    }

    #[test]
    fn only_what_carries_its_own_proof_or_does_nothing_is_taken_from_other_sites() {
        let cross: Vec<_> = TABLE.iter().filter(|row| row.door == Door::CrossSite).map(|row| row.page).collect();
        assert_eq!(cross, [Page::OidcBackchannel, Page::SamlAcs, Page::SamlLogout, Page::Authorize]);
    }

    #[test]
    fn the_first_row_that_fits_is_found() {
        assert_eq!(find(&Method::GET, "/patients/found").map(|row| row.page), Some(Page::FoundPatients));
        assert_eq!(find(&Method::GET, "/patients/x").map(|row| row.page), Some(Page::Patient));
        assert_eq!(find(&Method::GET, "/patients/").map(|row| row.page), None);
        assert_eq!(find(&Method::POST, "/patients/x").map(|row| row.page), None);
    }
}
