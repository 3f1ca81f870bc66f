//! Putting sign-on together: what verifies people, from the configuration and an open installation.

use crate::alarms::Webhook;
use crate::break_glass;
use crate::config::{Config, KeyFiles, Saml, SignOn};
use crate::diagnosis::Diagnosis;
use crate::exit::{Exit, Outcome, Stop};
use crate::installation::Installation;
use domain::directory::{Account, Directory};
use domain::sign_in::SignIn;
use domain::ticket::TicketBook;
use keys::file::read_secret_file;
use portal::{Doors, LocalDoor, OidcProviders, SamlProviders};
use sso::http::{EgressClient, Limits};
use sso::local::{
    Accounts, Breached, Costs, Invitations, Inviting, LocalKeys, LocalSettings, PoolLimits, ThrottleLimits,
};
use sso::oidc::RelyingParty;
use sso::saml::{KeyPair, ServiceKeys, ServiceProvider, Verifier};
use std::path::Path;
use std::sync::Arc;
use tokio::sync::watch;

/// Puts the pages together; `None` where sign-on is not enabled.
///
/// `base` is the address under which clients reach `/fhir`.
///
/// # Errors
/// As for [`People::open`].
pub fn pages(
    config: &Config,
    installation: &Installation,
    base: &str,
    directory: watch::Receiver<Arc<Directory>>,
) -> Outcome<Option<Arc<portal::Service>>> {
    if !config.sign_on.enabled {
        return Ok(None);
    }
    let origin = base.trim_end_matches('/').trim_end_matches("/fhir");
    let People { book, oidc, saml, accounts } = People::open(&config.sign_on, installation, origin)?;
    say_former_keys(&directory.borrow(), accounts.host());
    let entropy = || Arc::clone(&installation.entropy);
    let doors = Doors {
        oidc: Some(Arc::new(OidcProviders::new(oidc, entropy(), origin))),
        saml: saml.map(|saml| -> Arc<dyn portal::IdentityProviders> {
            Arc::new(SamlProviders::new(saml, entropy(), origin))
        }),
        accounts: Some(Arc::new(LocalDoor { accounts, administration: installation.administration() })),
    };
    let retrieval = crate::compose::retrieval(installation);
    let sign_in = sign_in(installation, &book);
    let limits = portal::Limits { alarm: config.sign_on.break_glass_webhook.is_some(), ..portal::Limits::default() };
    Ok(Some(portal::Service::new(sign_in, retrieval, directory, doors, base, limits)))
}

/// Says that people have security keys which cannot be shown, since the gateway is known by another name: they are to be told.
fn say_former_keys(directory: &Directory, host: Option<&str>) {
    let keys = directory.accounts().flat_map(|account| &account.security_keys);
    let former = keys.filter(|key| !key.is_of(host)).count();
    let without = |account: &&Account| !account.security_keys.is_empty() && !account.can_show_second_factor(host);
    let without = directory.accounts().filter(without).count();
    if former > 0 {
        tracing::warn!(
            keys = former,
            people_without = without,
            "security keys of another host cannot be shown here: see `base_url`"
        );
    }
}

/// What verifies people, and what their sessions are kept in.
pub struct People {
    /// Sessions and everything else that is short-lived.
    pub book: Arc<TicketBook>,
    /// OpenID Connect.
    pub oidc: Arc<RelyingParty>,
    /// SAML, where keys for it are configured.
    pub saml: Option<Arc<ServiceProvider>>,
    /// Accounts kept here.
    pub accounts: Accounts,
}

impl People {
    /// Reads every file that sign-on needs; `origin` is the address under which browsers reach us.
    ///
    /// # Errors
    /// [`Exit::Configuration`] with the file that is wrong.
    pub fn open(settings: &SignOn, installation: &Installation, origin: &str) -> Outcome<Self> {
        let book = Arc::new(installation.book());
        let (clock, entropy) = (Arc::clone(&installation.clock), Arc::clone(&installation.entropy));
        let oidc = RelyingParty::new(egress(settings)?, clock, entropy, Arc::clone(&book));
        let breached = settings.breached_passwords_file.as_deref().map(breached).transpose()?;
        let settings_of_accounts = LocalSettings {
            costs: Costs::RECOMMENDED,
            pool: PoolLimits::default(),
            throttle: ThrottleLimits::default(),
            breached,
            origin: origin.to_owned(),
        };
        let keys = LocalKeys::derive(&installation.roots.session);
        let accounts = Accounts::new(keys, settings_of_accounts, Arc::clone(&book))
            .map_err(|_| Stop::new(Exit::Failed, "the operating system gives no randomness"))?;
        if accounts.security_keys.is_none() {
            tracing::info!("security keys are not offered: the public address is a number, not a name");
        }
        let saml = settings.saml.as_ref().map(|saml| service_provider(saml, installation, &book)).transpose()?;
        Ok(Self { oidc: Arc::new(oidc), saml: saml.map(Arc::new), accounts, book })
    }
}

/// Reads every file that the settings name, and keeps nothing of them.
///
/// # Errors
/// [`Exit::Configuration`] with the file that is wrong.
pub fn check(settings: &SignOn) -> Outcome {
    egress(settings)?;
    settings.breached_passwords_file.as_deref().map(breached).transpose()?;
    settings.saml.as_ref().map(service_keys).transpose()?;
    Webhook::of(settings)?;
    Ok(())
}

/// Returns the use case that begins, resumes and ends sessions.
#[must_use]
pub fn sign_in(installation: &Installation, book: &Arc<TicketBook>) -> SignIn {
    SignIn {
        book: Arc::clone(book),
        ledger: installation.recorder.clone(),
        vault: installation.vault.clone(),
        clock: Arc::clone(&installation.clock),
        entropy: Arc::clone(&installation.entropy),
        refusals: Arc::clone(&installation.refusals),
    }
}

/// Puts together what identity providers tell of their people by.
#[must_use]
pub fn provisioning(
    installation: &Installation,
    base: &str,
    directory: watch::Receiver<Arc<Directory>>,
) -> Arc<scim::Service> {
    scim::Service::new(scim::Settings {
        origin: base.trim_end_matches('/').trim_end_matches("/fhir").to_owned(),
        directory,
        administration: installation.administration(),
        sign_in: sign_in(installation, &Arc::new(installation.book())),
        limits: scim::Limits::default(),
    })
}

/// Puts together what administrators ask by API.
///
/// # Errors
/// As for [`Diagnosis::new`].
pub fn administration(
    config: &Config,
    installation: &Installation,
    base: &str,
    directory: watch::Receiver<Arc<Directory>>,
    admission: Arc<dyn admin::Admission>,
) -> Outcome<Arc<admin::Service>> {
    let book = Arc::new(installation.book());
    Ok(admin::Service::new(admin::Settings {
        origin: base.trim_end_matches('/').trim_end_matches("/fhir").to_owned(),
        directory,
        admission,
        inviting: Inviting {
            administration: installation.administration(),
            invitations: Invitations::new(Arc::clone(&book)),
        },
        sign_in: sign_in(installation, &book),
        emergency: break_glass::emergency(installation),
        diagnosis: Arc::new(Diagnosis::new(config, installation)?),
        limits: admin::Limits::default(),
    }))
}

/// Makes the client that asks identity providers.
///
/// # Errors
/// [`Exit::Configuration`] when the file of authorities cannot be used.
pub fn egress(settings: &SignOn) -> Outcome<EgressClient> {
    authorities(settings, Limits::default())
}

/// Makes a client that trusts the configured authorities, with limits of its own.
///
/// # Errors
/// As for [`egress`].
pub fn authorities(settings: &SignOn, limits: Limits) -> Outcome<EgressClient> {
    let authorities = settings.authorities_file.as_deref();
    let ranges = settings.private_ranges().map_err(|why| Stop::new(Exit::Configuration, why))?;
    EgressClient::allowing(authorities, limits, &ranges).map_err(|why| match authorities {
        Some(path) => Stop::new(Exit::Configuration, format!("{}: {why}", path.display())),
        None => Stop::new(Exit::Failed, why),
    })
}

fn breached(path: &Path) -> Outcome<Breached> {
    Breached::open(path).map_err(|why| Stop::new(Exit::Configuration, format!("{}: {why}", path.display())))
}

fn service_provider(saml: &Saml, installation: &Installation, book: &Arc<TicketBook>) -> Outcome<ServiceProvider> {
    Ok(ServiceProvider {
        keys: service_keys(saml)?,
        verifier: Verifier::of_this_program()
            .map_err(|why| Stop::new(Exit::Failed, format!("this program cannot find itself: {why}")))?,
        clock: Arc::clone(&installation.clock),
        entropy: Arc::clone(&installation.entropy),
        book: Arc::clone(book),
    })
}

fn service_keys(saml: &Saml) -> Outcome<ServiceKeys> {
    let pairs = |files: &[KeyFiles]| files.iter().map(key_pair).collect::<Outcome<Vec<_>>>();
    Ok(ServiceKeys { signing: pairs(&saml.signing)?, encryption: pairs(&saml.encryption)? })
}

fn key_pair(files: &KeyFiles) -> Outcome<KeyPair> {
    let wrong =
        |path: &Path, why: &dyn std::fmt::Display| Stop::new(Exit::Configuration, format!("{}: {why}", path.display()));
    let certificate =
        std::fs::read_to_string(&files.certificate_file).map_err(|why| wrong(&files.certificate_file, &why))?;
    let key = read_secret_file(&files.key_file).map_err(|fault| Stop::new(Exit::Configuration, fault))?;
    let key = std::str::from_utf8(key.expose()).map_err(|_| wrong(&files.key_file, &"is no PEM text"))?;
    KeyPair::from_pem(&certificate, key).map_err(|why| wrong(&files.key_file, &why))
}
