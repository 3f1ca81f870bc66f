//! `sealgate user …`: accounts of people kept here.

use super::directory::state;
use super::{find, not_changed, origin};
use crate::cli::{Json, NamedUser, User, UserAdd, UserChange};
use crate::config::Config;
use crate::exit::{Exit, Outcome, Stop};
use crate::installation::Installation;
use crate::{output, sign_on};
use domain::administration::{ChangeFault, NewAccount, NotChanged};
use domain::directory::Account;
use domain::id::RecordId;
use serde_json::json;
use sso::local::{INVITED_SECONDS, Invitation, Invitations, Inviting, NotInvited, forget_counters, host_of};
use std::sync::Arc;

/// Runs `sealgate user …`.
///
/// # Errors
/// [`Stop`] with what was wrong and what to do.
pub async fn run(config: &Config, command: User) -> Outcome {
    let installation = Installation::open(config).await?;
    let done = match command {
        User::Add(add) => self::add(config, &installation, add).await,
        User::List { tenant, output } => list(config, &installation, tenant.as_deref(), output).await,
        User::Change(change) => self::change(&installation, change).await,
        User::Disable(user) => set_enabled(&installation, &user, false).await,
        User::Enable(user) => set_enabled(&installation, &user, true).await,
        User::Keys { user, output } => keys(config, &installation, &user, output).await,
        User::RemoveKey { user, key } => remove_key(config, &installation, &user, &key).await,
        User::Reset { user, second_factor, output } => reset(config, &installation, &user, second_factor, output).await,
    };
    installation.close().await;
    done
}

async fn add(config: &Config, installation: &Installation, add: UserAdd) -> Outcome {
    let directory = installation.directory().await?;
    let tenant = find::tenant(&directory, &add.tenant)?;
    let new = NewAccount {
        tenant,
        display: add.display.unwrap_or_else(|| add.name.clone()),
        name: add.name,
        roles: find::roles(&add.roles)?,
        clinics: find::clinics(&directory, tenant, &add.clinics)?,
        purpose: add.purpose.into(),
    };
    let invitation = inviting(installation).add(&installation.by_operator(), new).await.map_err(not_invited)?;
    tell(config, installation, &invitation, "added", add.output)
}

async fn reset(
    config: &Config,
    installation: &Installation,
    named: &NamedUser,
    second_factor: bool,
    output: Json,
) -> Outcome {
    let id = id_of(installation, named).await?;
    let by = installation.by_operator();
    let (inviting, sign_in) = (inviting(installation), sign_on::sign_in(installation, &Arc::new(installation.book())));
    let invitation = inviting.reset(&by, id, None, second_factor, &sign_in).await.map_err(not_invited)?;
    tell(config, installation, &invitation, "reset", output)
}

fn inviting(installation: &Installation) -> Inviting {
    let invitations = Invitations::new(Arc::new(installation.book()));
    Inviting { administration: installation.administration(), invitations }
}

fn not_invited(fault: NotInvited) -> Stop {
    match fault {
        NotInvited::NotChanged(fault) => not_changed(fault),
        NotInvited::OtherVersion => not_changed(NotChanged::Raced),
        NotInvited::NotSent(account) => {
            let line = format!(
                "user {0} is there and was not invited, for the database does not answer: `sealgate user reset {0}` invites",
                account.name
            );
            Stop::new(Exit::Unavailable, line)
        }
    }
}

/// Shows an invitation, this once.
fn tell(config: &Config, installation: &Installation, invitation: &Invitation, what: &str, output: Json) -> Outcome {
    let (account, secret) = (&invitation.account.entry, &invitation.secret);
    let link = zeroize::Zeroizing::new(origin::address(config, &format!("/invitation/{}", secret.expose())));
    let expires = installation.clock.now().plus_seconds(INVITED_SECONDS).rfc3339();
    if output.json {
        return output::json(&json!({ "id": account.id.to_string(), "name": account.name,
                                     "tenant": account.tenant.to_string(), "invitation": *link, "expires": expires }));
    }
    output::note(format_args!("user {} {what}: {}", account.name, account.id));
    output::note(format_args!("the link follows; it is shown this once, holds until {expires} and for one use:"));
    output::line(&*link)
}

/// Returns the host whose pages security keys answer; `None` where the public address is no name.
fn host(config: &Config) -> Option<String> {
    origin::of(config).as_deref().and_then(host_of)
}

async fn list(config: &Config, installation: &Installation, tenant: Option<&str>, output: Json) -> Outcome {
    let host = host(config);
    let directory = installation.directory().await?;
    let tenant = tenant.map(|name| find::tenant(&directory, name)).transpose()?;
    let chosen = || directory.accounts().filter(|account| tenant.is_none_or(|tenant| account.tenant == tenant));
    if output.json {
        let administration = installation.administration();
        let values =
            chosen().map(|account| admin::account(account, administration.person_of(account), host.as_deref()));
        return output::json(&values.collect());
    }
    let heading = ["USER", "NAME", "TENANT", "ROLES", "CLINICS", "SIGN-IN", "STATE", "ID"];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    for account in chosen() {
        let sign_in = match (&account.password, account.has_second_factor()) {
            (None, _) => "invited",
            (Some(_), false) => "password",
            (Some(_), true) if !account.can_show_second_factor(host.as_deref()) => "password and recovery code",
            (Some(_), true) => "password and second factor",
        };
        rows.push(vec![
            account.name.clone(),
            account.display.clone(),
            find::tenant_name(&directory, account.tenant),
            find::names_of(account.roles),
            find::clinic_names(&directory, &account.clinics),
            sign_in.to_owned(),
            state(account.enabled),
            account.id.to_string(),
        ]);
    }
    output::table(&rows)
}

async fn keys(config: &Config, installation: &Installation, named: &NamedUser, output: Json) -> Outcome {
    let host = host(config);
    let directory = installation.directory().await?;
    let account = find::account(&directory, &named.user, named.tenant.as_deref())?;
    if output.json {
        let values = account
            .security_keys
            .iter()
            .map(|key| json!({ "id": key.id.to_string(), "name": key.name, "added": key.added.rfc3339(),
                               "host": Some(&key.host).filter(|host| !host.is_empty()), "counts": key.is_of(host.as_deref()) }));
        return output::json(&values.collect());
    }
    let mut rows = vec![["KEY", "ADDED", "STATE", "ID"].map(str::to_owned).to_vec()];
    rows.extend(account.security_keys.iter().map(|key| {
        let added = key.added.rfc3339();
        let day = added.split('T').next().unwrap_or_default();
        let state = match (key.is_of(host.as_deref()), key.host.as_str()) {
            (true, _) => "counts".to_owned(),
            (false, "") => "of another host".to_owned(),
            (false, other) => format!("of another host: {other}"),
        };
        vec![key.name.clone(), day.to_owned(), state, key.id.to_string()]
    }));
    output::table(&rows)
}

async fn remove_key(config: &Config, installation: &Installation, named: &NamedUser, wanted: &str) -> Outcome {
    let host = host(config);
    let directory = installation.directory().await?;
    let account = find::account(&directory, &named.user, named.tenant.as_deref())?;
    let mut keys = account.security_keys.iter();
    let key = keys.find(|key| key.name.to_lowercase() == wanted.to_lowercase() || key.id.to_string() == wanted);
    let Some(key) = key else {
        let line = format!("user {0} has no such security key: see `sealgate user keys {0}`", account.name);
        return Err(Stop::new(Exit::Failed, line));
    };
    let by = installation.by_operator();
    match installation.administration().remove_security_key(&by, account.id, key.id, host.as_deref()).await {
        Ok(changed) => {
            // What is left of it is swept in time.
            let _ = forget_counters(&installation.book(), changed.tenant, changed.id, std::slice::from_ref(key)).await;
            output::line(format_args!("security key of user {} removed: sessions end within a second", changed.name))
        }
        Err(NotChanged::LastFactor) => {
            let line = format!(
                "it is the only second factor of user {0}: `sealgate user reset {0} --second-factor` takes it away with the password, \
                 and prints a link to set both anew",
                account.name
            );
            Err(Stop::new(Exit::Failed, line))
        }
        Err(other) => Err(not_changed(other)),
    }
}

async fn change(installation: &Installation, given: UserChange) -> Outcome {
    let directory = installation.directory().await?;
    let account = find::account(&directory, &given.user.user, given.user.tenant.as_deref())?;
    let roles = if given.roles.is_empty() { account.roles } else { find::roles(&given.roles)? };
    let clinics = if given.all_clinics || !given.clinics.is_empty() {
        find::clinics(&directory, account.tenant, &given.clinics)?
    } else {
        account.clinics.clone()
    };
    let by = installation.by_operator();
    let write = |account: &mut Account| {
        account.roles = roles;
        account.clinics = clinics;
        if let Some(display) = given.display {
            account.display = display;
        }
        if let Some(purpose) = given.purpose {
            account.purpose = purpose.into();
        }
    };
    let changed = installation.administration().change_account(&by, account.id, write).await.map_err(not_changed)?;
    output::line(format_args!("user {} changed: in force within a second", changed.name))
}

async fn set_enabled(installation: &Installation, named: &NamedUser, enabled: bool) -> Outcome {
    let id = id_of(installation, named).await?;
    let by = installation.by_operator();
    let write = |account: &mut Account| {
        account.enabled = enabled;
        Ok::<(), NotChanged>(())
    };
    let changed = inviting(installation).change(&by, id, None, write).await;
    let (changed, taken_back) = changed.map_err(|fault| match fault {
        ChangeFault::Refused(fault) | ChangeFault::NotChanged(fault) => not_changed(fault),
        ChangeFault::OtherVersion => not_changed(NotChanged::Raced),
    })?;
    let changed = changed.entry;
    if enabled {
        return output::line(format_args!("user {} enabled", changed.name));
    }
    if !taken_back {
        output::note("an invitation may be open still; it cannot be used while the account is disabled");
    }
    output::line(format_args!("user {} disabled: sessions end within a second", changed.name))
}

async fn id_of(installation: &Installation, named: &NamedUser) -> Outcome<RecordId> {
    let directory = installation.directory().await?;
    find::account(&directory, &named.user, named.tenant.as_deref()).map(|account| account.id)
}
