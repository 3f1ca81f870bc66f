//! What each endpoint does. Users and groups take the same way; what differs is in the trait [`Resource`].

use crate::answer;
use crate::group::{self, Draft};
use crate::patch;
use crate::person;
use crate::problem::Problem;
use crate::query::{Parameters, expected, has, names_version};
use crate::routes::Endpoint;
use crate::schema;
use crate::visit::Visit;
use actix_web::http::{Method, StatusCode, header};
use actix_web::{HttpRequest, HttpResponse};
use domain::administration::{Changed, Stored, Wanted};
use domain::directory::{
    Directory, Handle, Provisioned, ProvisionedGroup, ProvisionedGroups, ProvisionedPerson, ProvisionedSubject,
};
use domain::id::RecordId;
use domain::identity::Criterion;
use domain::time::Timestamp;
use serde_json::Value;

/// Serves a request that is admitted, at an endpoint that has its method.
pub(crate) async fn serve(
    visit: &Visit<'_>,
    request: &HttpRequest,
    endpoint: Endpoint,
    last: &str,
    body: &Value,
) -> Result<HttpResponse, Problem> {
    let one = |mut all: Vec<Value>, id: &str| {
        let place = all.iter().position(|value| value.get("id").and_then(Value::as_str) == Some(id));
        place.map(|place| answer::document(&all.swap_remove(place))).ok_or(Problem::NotFound)
    };
    let whole = |all: Vec<Value>| answer::list(all.len(), 1, all);
    match endpoint {
        Endpoint::Configuration => Ok(answer::document(&schema::configuration(&visit.base))),
        Endpoint::ResourceTypes => Ok(whole(schema::resource_types(&visit.base))),
        Endpoint::ResourceType => one(schema::resource_types(&visit.base), last),
        Endpoint::Schemas => Ok(whole(schema::schemas(&visit.base))),
        Endpoint::Schema => one(schema::schemas(&visit.base), last),
        Endpoint::Users => many::<ProvisionedPerson>(visit, request, body).await,
        Endpoint::Groups => many::<ProvisionedGroup>(visit, request, body).await,
        Endpoint::User => single::<ProvisionedPerson>(visit, request, last, body).await,
        Endpoint::Group => single::<ProvisionedGroup>(visit, request, last, body).await,
        Endpoint::NotOffered => Err(Problem::NotOffered),
    }
}

/// A kind of resource that is served.
trait Resource: Provisioned {
    /// Its endpoint.
    const ENDPOINT: &'static str;
    /// The attribute that is its name, in lower case.
    const NAME: &'static str;
    /// Returns the JSON form.
    fn render(stored: &Stored<Self>, directory: &Directory, base: &str) -> Value;
    /// Returns a new one with nothing but what the server sets.
    fn blank(visit: &Visit<'_>, id: RecordId, created: Timestamp) -> Self;
    /// Returns the same with everything that a whole resource says, and nothing else.
    fn entered(&self, body: &Value, directory: &Directory) -> Result<Self, Problem>;
    /// Returns the same after operations.
    fn patched(&self, operations: &[patch::Operation], directory: &Directory) -> Result<Self, Problem>;
    /// Returns the people whose sessions end because of a change.
    fn ending(visit: &Visit<'_>, before: &Self, after: &Self) -> Vec<RecordId>;
}

async fn many<R: Resource>(visit: &Visit<'_>, request: &HttpRequest, body: &Value) -> Result<HttpResponse, Problem> {
    let administration = &visit.service.settings.administration;
    let parameters = Parameters::read(request.query_string())?;
    if *request.method() == Method::POST {
        let (id, created) = administration.new_record()?;
        let entry = R::blank(visit, id, created).entered(body, &visit.directory)?;
        let asked = format!("POST /{}", R::ENDPOINT);
        let stored = administration.provision(&visit.by(), &visit.connection, entry, &asked).await;
        return Ok(shown(visit, StatusCode::CREATED, &stored?, &parameters));
    }
    let wanted = parameters.wanted(R::NAME);
    let asked = format!("GET /{}{}", R::ENDPOINT, parameters.told());
    let found: Vec<Stored<R>> = administration.provisioned(&visit.by(), &visit.connection, &wanted, &asked).await?;
    let rendered = found.iter().map(|stored| R::render(stored, &visit.directory, &visit.base));
    let fitting: Vec<Value> = rendered.filter(|value| has(value, parameters.filter.as_ref())).collect();
    let total = fitting.len();
    let page = fitting.into_iter().skip(parameters.start.saturating_sub(1)).take(parameters.count);
    let page = page.map(|value| parameters.chosen(value)).collect();
    Ok(answer::list(total, parameters.start, page))
}

async fn single<R: Resource>(
    visit: &Visit<'_>,
    request: &HttpRequest,
    id: &str,
    body: &Value,
) -> Result<HttpResponse, Problem> {
    let administration = &visit.service.settings.administration;
    let parameters = Parameters::read(request.query_string())?;
    let id: RecordId = id.parse().map_err(|_| Problem::NotFound)?;
    let given = |name: header::HeaderName| request.headers().get(name).and_then(|value| value.to_str().ok());
    let asked = format!("{} /{}", request.method(), R::ENDPOINT);
    if *request.method() == Method::GET {
        let wanted = Wanted::Ids(vec![id]);
        let mut found: Vec<Stored<R>> =
            administration.provisioned(&visit.by(), &visit.connection, &wanted, &asked).await?;
        let stored = found.pop().ok_or(Problem::NotFound)?;
        if given(header::IF_NONE_MATCH).is_some_and(|tags| names_version(tags, stored.version)) {
            return Ok(answer::empty(StatusCode::NOT_MODIFIED));
        }
        return Ok(shown(visit, StatusCode::OK, &stored, &parameters));
    }
    let version = given(header::IF_MATCH).map(expected).transpose()?.flatten();
    let operations = match *request.method() {
        Method::PATCH => patch::read(body, visit.service.settings.limits.max_operations)?,
        _ => Vec::new(),
    };
    let change = |entry: &R| match *request.method() {
        Method::PUT => entry.entered(body, &visit.directory),
        Method::PATCH => entry.patched(&operations, &visit.directory),
        _ => Ok(entry.taken_back()),
    };
    let changed = administration.change_provisioned(&visit.by(), &visit.connection, id, version, &asked, change).await;
    let Changed { before, after } = changed?;
    // The change is durable: whoever may no longer come is sent away before the provider is told that it is done.
    for person in R::ending(visit, &before, &after.entry) {
        visit.service.settings.sign_in.end_provisioned(person, &visit.origin()).await?;
    }
    if *request.method() == Method::DELETE {
        return Ok(answer::empty(StatusCode::NO_CONTENT));
    }
    Ok(shown(visit, StatusCode::OK, &after, &parameters))
}

fn shown<R: Resource>(
    visit: &Visit<'_>,
    status: StatusCode,
    stored: &Stored<R>,
    parameters: &Parameters,
) -> HttpResponse {
    let value = R::render(stored, &visit.directory, &visit.base);
    let location = format!("{}/{}/{}", visit.base, R::ENDPOINT, stored.entry.record());
    answer::resource(status, &parameters.chosen(value), stored.version, &location)
}

impl Resource for ProvisionedPerson {
    const ENDPOINT: &'static str = "Users";
    const NAME: &'static str = "username";

    fn render(stored: &Stored<Self>, directory: &Directory, base: &str) -> Value {
        person::render(stored, directory, base)
    }

    fn blank(visit: &Visit<'_>, id: RecordId, created: Timestamp) -> Self {
        Self {
            id,
            tenant: visit.connection.tenant,
            connection: visit.connection.id,
            user_name: String::new(),
            external_id: None,
            display: None,
            name: domain::directory::PersonName::default(),
            emails: Vec::new(),
            active: true,
            removed: false,
            created,
        }
    }

    fn entered(&self, body: &Value, _: &Directory) -> Result<Self, Problem> {
        let mut person = person::blank(self);
        patch::whole(&mut person, body)?;
        if person.user_name.is_empty() { Err(Problem::Value("userName is needed")) } else { Ok(person) }
    }

    fn patched(&self, operations: &[patch::Operation], _: &Directory) -> Result<Self, Problem> {
        let mut person = self.clone();
        patch::apply(&mut person, operations)?;
        Ok(person)
    }

    fn ending(visit: &Visit<'_>, before: &Self, after: &Self) -> Vec<RecordId> {
        let compared = |person: &Self| {
            let handle = match visit.connection.provisioning.subject {
                ProvisionedSubject::ExternalId => Handle::External,
                ProvisionedSubject::UserName => Handle::Name,
            };
            person.handles().into_iter().find(|(known, _)| *known == handle).map(|(_, text)| text.to_owned())
        };
        // Told once more that somebody is not active, it is made sure once more: the time before, it may not have been done.
        let another = compared(before) != compared(after);
        if after.removed || !after.active || another { vec![after.id] } else { Vec::new() }
    }
}

impl Resource for ProvisionedGroup {
    const ENDPOINT: &'static str = "Groups";
    const NAME: &'static str = "displayname";

    fn render(stored: &Stored<Self>, directory: &Directory, base: &str) -> Value {
        group::render(stored, directory, base)
    }

    fn blank(visit: &Visit<'_>, id: RecordId, created: Timestamp) -> Self {
        Self {
            id,
            tenant: visit.connection.tenant,
            connection: visit.connection.id,
            display: String::new(),
            external_id: None,
            members: Vec::new(),
            removed: false,
            created,
        }
    }

    fn entered(&self, body: &Value, directory: &Directory) -> Result<Self, Problem> {
        let mut draft = Draft::blank();
        patch::whole(&mut draft, body)?;
        let group = draft.finish(self, directory);
        if group.display.is_empty() { Err(Problem::Value("displayName is needed")) } else { Ok(group) }
    }

    fn patched(&self, operations: &[patch::Operation], directory: &Directory) -> Result<Self, Problem> {
        let mut draft = Draft::of(self);
        patch::apply(&mut draft, operations)?;
        Ok(draft.finish(self, directory))
    }

    /// Whoever is in a group no more by which a rule may have admitted them, signs in again: the rules are asked anew.
    fn ending(visit: &Visit<'_>, before: &Self, after: &Self) -> Vec<RecordId> {
        let connection = &visit.connection;
        let names = [Some(before.display.as_str()), before.external_id.as_deref()];
        let asked = connection.provisioning.groups != ProvisionedGroups::Never
            && connection.rules.iter().any(|rule| match &rule.when {
                Criterion::Group(group) => names.contains(&Some(group.as_str())),
                Criterion::Role(_) | Criterion::Attribute { .. } | Criterion::Subject(_) => false,
            });
        let same_names = (&before.display, &before.external_id) == (&after.display, &after.external_id);
        let left = |id: &&RecordId| !same_names || after.members.binary_search(*id).is_err();
        if asked { before.members.iter().filter(left).copied().collect() } else { Vec::new() }
    }
}
