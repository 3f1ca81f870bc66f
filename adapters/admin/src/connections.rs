//! Connections with identity providers, their rules, and the tokens of their provisioning.

use crate::answer;
use crate::fields::{Fault, Fields};
use crate::problem::Problem;
use crate::query::Query;
use crate::reach;
use crate::read;
use crate::render;
use crate::routes::{Asked, Endpoint};
use crate::tag;
use crate::visit::Visit;
use actix_web::HttpResponse;
use actix_web::http::Method;
use domain::access::Action;
use domain::administration::{Stored, UnknownToken};
use domain::directory::{Connection, Provisioning};
use domain::id::RecordId;
use domain::journal::Act;
use domain::time::Timestamp;
use serde_json::{Value, json};
use sso::oidc::Verdict;

pub(crate) async fn serve(visit: &Visit<'_>, asked: Asked<'_>) -> Result<HttpResponse, Problem> {
    match asked.endpoint {
        Endpoint::Connections if asked.is(Method::GET) => list(visit, &asked).await,
        Endpoint::Connections => add(visit, asked.body).await,
        Endpoint::Rules if asked.is(Method::GET) => rules(visit, &asked).await,
        Endpoint::Rules => replace_rules(visit, asked).await,
        Endpoint::Test => test(visit, &asked).await,
        Endpoint::ProvisioningTokens => add_token(visit, &asked).await,
        Endpoint::ProvisioningToken => revoke_token(visit, &asked).await,
        _ if asked.is(Method::GET) => show(visit, &asked).await,
        _ => change(visit, asked).await,
    }
}

async fn list(visit: &Visit<'_>, asked: &Asked<'_>) -> Result<HttpResponse, Problem> {
    let page = Query::read(asked.http.query_string(), asked.parameters)?.page()?;
    visit.service.administration().look::<Connection>(&visit.by()).await?;
    let (found, next) = page.of(visit.directory.connections_of(visit.tenant()), |connection| connection.id);
    Ok(answer::list(found.into_iter().map(|connection| shown(visit, connection)).collect(), next))
}

async fn add(visit: &Visit<'_>, body: Value) -> Result<HttpResponse, Problem> {
    let mut fields = Fields::of("", body)?;
    let (name, protocol) = (fields.text("name")?, fields.object("protocol")?);
    let mut new = Connection {
        id: RecordId([0; 16]),
        tenant: visit.tenant(),
        name: fields.needed("name", name)?,
        enabled: fields.flag("enabled")?.unwrap_or(true),
        protocol: read::protocol(fields.needed("protocol", protocol)?)?,
        rules: fields.value("rules").map_or(Ok(Vec::new()), |rules| read::rules("/rules", rules))?,
        provisioning: Provisioning::default(),
        created: Timestamp::default(),
        ended: None,
    };
    if let Some(provisioning) = fields.object("provisioning")? {
        read::provisioning(provisioning, &mut new.provisioning)?;
    }
    fields.end()?;
    let administration = visit.service.administration();
    read::usable(&new, administration.clock.now())?;
    reach::check(&visit.service.settings.origin, None, &mut new)?;
    let added = administration.add_connection(&visit.by(), new).await?;
    let location = visit.at(&format!("/admin/v1/connections/{}", added.id));
    Ok(answer::created(&shown(visit, &added), 1, &location))
}

async fn show(visit: &Visit<'_>, asked: &Asked<'_>) -> Result<HttpResponse, Problem> {
    let stored = stored(visit, asked).await?;
    Ok(answer::entry(&shown(visit, &stored.entry), stored.version))
}

async fn change(visit: &Visit<'_>, asked: Asked<'_>) -> Result<HttpResponse, Problem> {
    let (id, expected) = (asked.id()?, tag::expected(asked.http)?);
    let mut fields = Fields::of("", asked.body)?;
    for (name, instead) in [
        ("name", "the name stays: people and entries know the connection by it"),
        ("rules", "rules are replaced as a whole: PUT them to …/rules"),
    ] {
        if fields.has(name) {
            return Err(Fault::new(fields.at(name), instead).into());
        }
    }
    let administration = visit.service.administration();
    let (now, by) = (administration.clock.now(), visit.by());
    let changed = administration.change(&by, id, expected, |connection: &mut Connection| {
        let before = connection.clone();
        read::set(fields.flag("enabled")?, &mut connection.enabled);
        if let Some(protocol) = fields.object("protocol")? {
            read::change_protocol(protocol, &mut connection.protocol)?;
            read::usable(connection, now)?;
            reach::check(&visit.service.settings.origin, Some(&before), connection)?;
        }
        if let Some(provisioning) = fields.object("provisioning")? {
            read::provisioning(provisioning, &mut connection.provisioning)?;
        }
        fields.end()
    });
    let after = changed.await?.after;
    Ok(answer::entry(&shown(visit, &after.entry), after.version))
}

async fn rules(visit: &Visit<'_>, asked: &Asked<'_>) -> Result<HttpResponse, Problem> {
    let stored = stored(visit, asked).await?;
    Ok(answer::entry(&json!(stored.entry.rules), stored.version))
}

async fn replace_rules(visit: &Visit<'_>, asked: Asked<'_>) -> Result<HttpResponse, Problem> {
    let (id, expected) = (asked.id()?, tag::expected(asked.http)?);
    let rules = read::rules("", asked.body)?;
    let by = visit.by();
    let changed = visit.service.administration().change(&by, id, expected, |connection: &mut Connection| {
        connection.rules = rules;
        Ok::<(), Fault>(())
    });
    let after = changed.await?.after;
    Ok(answer::entry(&json!(after.entry.rules), after.version))
}

/// Tries a connection out, as `sealgate sso test` does.
async fn test(visit: &Visit<'_>, asked: &Asked<'_>) -> Result<HttpResponse, Problem> {
    let id: RecordId = asked.id()?;
    let (journal, by) = (visit.service.journal(), visit.by());
    let named = id.to_string();
    let rule = journal.may(&by.actor, &by.context, Action::TestRun, ("Connection", &named)).await?;
    visit.record(Act::done(Action::TestRun.name(), "Connection", &named), Some(rule), None).await?;
    let stored = stored(visit, asked).await?;
    let steps = visit.service.settings.diagnosis.test(&stored.entry).await;
    let well = steps.iter().all(|step| step.verdict != Verdict::Bad);
    let steps: Vec<Value> = steps
        .iter()
        .map(|step| json!({ "step": step.step, "verdict": step.verdict.name(), "advice": step.advice }))
        .collect();
    Ok(answer::document(&json!({ "connection": stored.entry.name, "well": well, "steps": steps })))
}

async fn add_token(visit: &Visit<'_>, asked: &Asked<'_>) -> Result<HttpResponse, Problem> {
    let (id, expected) = (asked.id()?, tag::expected(asked.http)?);
    let added = visit.service.administration().add_provisioning_token(&visit.by(), id, expected).await?;
    let (stored, token) = added;
    let mark = stored.entry.provisioning.tokens.last().map(|kept| kept.mark().to_owned()).unwrap_or_default();
    let address = visit.at(&format!("/scim/v2/{id}"));
    let location = visit.at(&format!("/admin/v1/connections/{id}/provisioning-tokens/{mark}"));
    let value = json!({ "connection": id, "address": address, "mark": mark, "token": token.expose() });
    Ok(answer::created(&value, stored.version, &location))
}

async fn revoke_token(visit: &Visit<'_>, asked: &Asked<'_>) -> Result<HttpResponse, Problem> {
    let (id, expected) = (asked.id()?, tag::expected(asked.http)?);
    let mark = asked.parts.get(1).copied().unwrap_or_default();
    visit.service.administration().revoke_provisioning_token(&visit.by(), id, expected, mark).await?;
    Ok(answer::done())
}

async fn stored(visit: &Visit<'_>, asked: &Asked<'_>) -> Result<Stored<Connection>, Problem> {
    Ok(visit.service.administration().look_at(&visit.by(), asked.id()?).await?)
}

fn shown(visit: &Visit<'_>, connection: &Connection) -> Value {
    render::connection(&visit.service.settings.origin, connection)
}

impl From<UnknownToken> for Problem {
    fn from(UnknownToken: UnknownToken) -> Self {
        Problem::NotFound
    }
}
