//! Accounts of people kept here, and what of the tenant is needed to keep them: its clinics and its settings.

use crate::answer;
use crate::fields::{Fault, Fields};
use crate::problem::Problem;
use crate::query::Query;
use crate::read;
use crate::render;
use crate::routes::{Asked, Endpoint};
use crate::tag;
use crate::visit::Visit;
use actix_web::HttpResponse;
use actix_web::http::Method;
use domain::administration::{NewAccount, Stored};
use domain::directory::{Account, Clinic, Tenant};
use domain::id::RecordId;
use serde_json::{Value, json};
use sso::local::{INVITED_SECONDS, Invitation, NotInvited, host_of};

pub(crate) async fn serve(visit: &Visit<'_>, asked: Asked<'_>) -> Result<HttpResponse, Problem> {
    match asked.endpoint {
        Endpoint::Users if asked.is(Method::GET) => list(visit, &asked).await,
        Endpoint::Users => add(visit, asked.body).await,
        Endpoint::Reset => reset(visit, asked).await,
        Endpoint::Clinics => clinics(visit, &asked).await,
        Endpoint::Settings => settings(visit).await,
        _ if asked.is(Method::GET) => show(visit, &asked).await,
        _ => change(visit, asked).await,
    }
}

async fn list(visit: &Visit<'_>, asked: &Asked<'_>) -> Result<HttpResponse, Problem> {
    let page = Query::read(asked.http.query_string(), asked.parameters)?.page()?;
    visit.service.administration().look::<Account>(&visit.by()).await?;
    let ours = visit.directory.accounts().filter(|account| account.tenant == visit.tenant());
    let (found, next) = page.of(ours, |account| account.id);
    Ok(answer::list(found.into_iter().map(|account| shown(visit, account)).collect(), next))
}

async fn add(visit: &Visit<'_>, body: Value) -> Result<HttpResponse, Problem> {
    let mut fields = Fields::of("", body)?;
    let name = fields.text("name")?;
    let name = fields.needed("name", name)?;
    let roles = read::roles(&mut fields, "roles")?;
    let new = NewAccount {
        tenant: visit.tenant(),
        display: fields.text("display")?.unwrap_or_else(|| name.clone()),
        name,
        roles: fields.needed("roles", roles)?,
        clinics: read::clinics(&mut fields)?.unwrap_or(domain::access::Clinics::All),
        purpose: read::purpose(&mut fields)?.unwrap_or_default(),
    };
    fields.end()?;
    let invitation = visit.service.settings.inviting.add(&visit.by(), new).await?;
    let location = visit.at(&format!("/admin/v1/users/{}", invitation.account.entry.id));
    let value = invited(visit, &invitation);
    Ok(answer::created(&value, invitation.account.version, &location))
}

async fn show(visit: &Visit<'_>, asked: &Asked<'_>) -> Result<HttpResponse, Problem> {
    let stored: Stored<Account> = visit.service.administration().look_at(&visit.by(), asked.id()?).await?;
    Ok(answer::entry(&shown(visit, &stored.entry), stored.version))
}

async fn change(visit: &Visit<'_>, asked: Asked<'_>) -> Result<HttpResponse, Problem> {
    let (id, expected) = (asked.id()?, tag::expected(asked.http)?);
    let mut fields = Fields::of("", asked.body)?;
    if fields.has("name") {
        return Err(Fault::new(fields.at("name"), "the sign-in name stays: add another account").into());
    }
    let by = visit.by();
    let changed = visit.service.settings.inviting.change(&by, id, expected, |account| {
        read::set(fields.text("display")?, &mut account.display);
        read::set(read::roles(&mut fields, "roles")?, &mut account.roles);
        read::set(read::clinics(&mut fields)?, &mut account.clinics);
        read::set(read::purpose(&mut fields)?, &mut account.purpose);
        read::set(fields.flag("enabled")?, &mut account.enabled);
        fields.end()
    });
    let (stored, taken_back) = changed.await?;
    if !taken_back {
        // Stored and in the chain; but an invitation from before might still hold, so whoever asked is to ask again.
        return Err(Problem::Unavailable);
    }
    Ok(answer::entry(&shown(visit, &stored.entry), stored.version))
}

async fn reset(visit: &Visit<'_>, asked: Asked<'_>) -> Result<HttpResponse, Problem> {
    let (id, expected) = (asked.id()?, tag::expected(asked.http)?);
    let mut fields = Fields::of("", asked.body)?;
    let second_factor = fields.flag("second_factor")?.unwrap_or(false);
    fields.end()?;
    let (by, settings) = (visit.by(), &visit.service.settings);
    let invitation = settings.inviting.reset(&by, id, expected, second_factor, &settings.sign_in).await?;
    Ok(answer::entry(&invited(visit, &invitation), invitation.account.version))
}

async fn clinics(visit: &Visit<'_>, asked: &Asked<'_>) -> Result<HttpResponse, Problem> {
    let page = Query::read(asked.http.query_string(), asked.parameters)?.page()?;
    visit.service.administration().look::<Clinic>(&visit.by()).await?;
    let ours = visit.directory.clinics().filter(|clinic| clinic.tenant == visit.tenant());
    let (found, next) = page.of(ours, |clinic| RecordId(clinic.id.0));
    let shown = found.into_iter().map(|clinic| json!({ "id": clinic.id.to_string(), "name": clinic.name }));
    Ok(answer::list(shown.collect(), next))
}

/// Shows what the tenant decides about people who sign in; to change it is the operator's, by command.
async fn settings(visit: &Visit<'_>) -> Result<HttpResponse, Problem> {
    let id = RecordId(visit.tenant().0);
    let stored: Stored<Tenant> = visit.service.administration().look_at(&visit.by(), id).await?;
    let tenant = &stored.entry;
    let value = json!({ "id": tenant.id.to_string(), "name": tenant.name, "settings": tenant.settings });
    Ok(answer::entry(&value, stored.version))
}

fn shown(visit: &Visit<'_>, account: &Account) -> Value {
    let host = host_of(&visit.service.settings.origin);
    render::account(account, visit.service.administration().person_of(account), host.as_deref())
}

/// Shows an account with the link for its person, this once.
fn invited(visit: &Visit<'_>, invitation: &Invitation) -> Value {
    let mut value = shown(visit, &invitation.account.entry);
    let link = visit.at(&format!("/invitation/{}", invitation.secret.expose()));
    let expires = visit.service.administration().clock.now().plus_seconds(INVITED_SECONDS).rfc3339();
    if let Some(members) = value.as_object_mut() {
        members.insert("invitation".to_owned(), json!(link));
        members.insert("invitation_expires".to_owned(), json!(expires));
    }
    value
}

impl From<NotInvited> for Problem {
    fn from(fault: NotInvited) -> Self {
        match fault {
            NotInvited::NotChanged(fault) => fault.into(),
            NotInvited::OtherVersion => Problem::Precondition,
            NotInvited::NotSent(_) => Problem::NotInvited,
        }
    }
}
