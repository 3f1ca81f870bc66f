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
    Bounded, Directory, Level, Provisioned, ProvisionedGroup, ProvisionedGroups, ProvisionedPerson,
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
    id: &str,
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
        Endpoint::ResourceType => one(schema::resource_types(&visit.base), id),
        Endpoint::Schemas => Ok(whole(schema::schemas(&visit.base))),
        Endpoint::Schema => one(schema::schemas(&visit.base), id),
        Endpoint::Users => many::<ProvisionedPerson>(visit, request, body).await,
        Endpoint::Groups => many::<ProvisionedGroup>(visit, request, body).await,
        Endpoint::User => single::<ProvisionedPerson>(visit, request, id, body).await,
        Endpoint::Group => single::<ProvisionedGroup>(visit, request, id, body).await,
        Endpoint::NotOffered => Err(Problem::NotOffered),
    }
}

/// After so many members on a page no further group comes on it: some 20 MiB while they are rendered.
const MAX_PAGE_VALUES: usize = 50_000;

/// A kind of resource that is served.
trait Resource: Provisioned {
    /// Its endpoint.
    const ENDPOINT: &'static str;
    /// As what it is counted.
    const BOUNDED: Bounded;
    /// The attribute that is its name, in lower case.
    const NAME: &'static str;
    /// The attribute that may have very many values.
    const MANY: &'static str = "";
    /// Returns the JSON form.
    fn render(stored: &Stored<Self>, directory: &Directory, base: &str) -> Value;
    /// Returns the JSON form without the attribute that may have very many values.
    fn brief(stored: &Stored<Self>, directory: &Directory, base: &str) -> Value {
        Self::render(stored, directory, base)
    }
    /// Returns a new one with nothing but what the server sets.
    fn blank(visit: &Visit<'_>, id: RecordId, created: Timestamp) -> Self;
    /// Returns the same with everything that a whole resource says, and nothing else.
    fn entered(&self, body: &Value, visit: &Visit<'_>) -> Result<Self, Problem>;
    /// Returns the same after operations.
    fn patched(&self, operations: &[patch::Operation], visit: &Visit<'_>) -> Result<Self, Problem>;
    /// Returns the people whose sessions end because of a change.
    fn ending(visit: &Visit<'_>, before: &Self, after: &Self) -> Vec<RecordId>;
}

async fn many<R: Resource>(visit: &Visit<'_>, request: &HttpRequest, body: &Value) -> Result<HttpResponse, Problem> {
    let administration = &visit.service.settings.administration;
    let parameters = Parameters::read(request.query_string())?;
    if *request.method() == Method::POST {
        // As many as there were a moment ago: each one too many is one more at every load of the directory, and no harm beside it.
        if R::BOUNDED.level(visit.directory.held(visit.connection.id, R::BOUNDED)) == Level::Full {
            return Err(Problem::Full);
        }
        let (id, created) = administration.new_record()?;
        let entry = R::blank(visit, id, created).entered(body, visit)?;
        let asked = format!("POST /{}", R::ENDPOINT);
        let stored = administration.provision(&visit.by(&asked), &visit.connection, entry).await;
        return Ok(shown(visit, StatusCode::CREATED, &stored?, &parameters));
    }
    let wanted = parameters.wanted(R::NAME);
    let asked = format!("GET /{}{}", R::ENDPOINT, parameters.told());
    let found: Vec<Stored<R>> = administration.provisioned(&visit.by(&asked), &visit.connection, &wanted).await?;
    let (total, page) = page(&found, &parameters, &visit.directory, &visit.base);
    Ok(answer::list(total, parameters.start, page))
}

/// Returns how many fit, and those of them on the page. Of the rest nothing is kept: groups may have many members.
fn page<R: Resource>(
    found: &[Stored<R>],
    parameters: &Parameters,
    directory: &Directory,
    base: &str,
) -> (usize, Vec<Value>) {
    let about_many = parameters.filter.as_ref().is_some_and(|filter| filter.asks_about(R::MANY));
    let fits = |stored: &Stored<R>| {
        let asked = || if about_many { R::render(stored, directory, base) } else { R::brief(stored, directory, base) };
        parameters.filter.is_none() || has(&asked(), parameters.filter.as_ref())
    };
    let (mut total, mut page, mut values) = (0_usize, Vec::new(), 0_usize);
    for stored in found.iter().filter(|stored| fits(stored)) {
        total = total.saturating_add(1);
        // A page may be shorter than was asked for, and says so; the next begins after it (RFC 7644 §3.4.2.4).
        if total < parameters.start || page.len() >= parameters.count || values >= MAX_PAGE_VALUES {
            continue;
        }
        let value = parameters.chosen(R::render(stored, directory, base));
        let many = value.as_object().and_then(|members| members.get(R::MANY)).and_then(Value::as_array);
        values = values.saturating_add(many.map_or(0, Vec::len));
        page.push(value);
    }
    (total, page)
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
            administration.provisioned(&visit.by(&asked), &visit.connection, &wanted).await?;
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
        Method::PUT => entry.entered(body, visit),
        Method::PATCH => entry.patched(&operations, visit),
        _ => Ok(entry.taken_back()),
    };
    let changed = administration.change_provisioned(&visit.by(&asked), &visit.connection, id, version, change).await;
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
    const BOUNDED: Bounded = Bounded::People;
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
            former: None,
            earlier: Vec::new(),
            created,
            ended: None,
        }
    }

    fn entered(&self, body: &Value, visit: &Visit<'_>) -> Result<Self, Problem> {
        let mut person = person::blank(self);
        patch::whole(&mut person, body)?;
        if person.user_name.is_empty() {
            return Err(Problem::Value("userName is needed"));
        }
        comparable(person, visit)
    }

    fn patched(&self, operations: &[patch::Operation], visit: &Visit<'_>) -> Result<Self, Problem> {
        let mut person = self.clone();
        patch::apply(&mut person, operations)?;
        comparable(person, visit)
    }

    fn ending(visit: &Visit<'_>, before: &Self, after: &Self) -> Vec<RecordId> {
        let subject = visit.connection.provisioning.subject;
        // Told once more that somebody is not active, it is made sure once more: the time before, it may not have been done.
        let another = subject.of(before) != subject.of(after);
        if after.removed || !after.active || another { vec![after.id] } else { Vec::new() }
    }
}

/// Returns the person, if sign-ins can be compared with them: what is told of anybody else would do nothing.
fn comparable(person: ProvisionedPerson, visit: &Visit<'_>) -> Result<ProvisionedPerson, Problem> {
    match visit.connection.provisioning.subject.of(&person) {
        Some(_) => Ok(person),
        None => Err(Problem::Value("externalId is needed: this connection knows people who sign in by it")),
    }
}

impl Resource for ProvisionedGroup {
    const ENDPOINT: &'static str = "Groups";
    const BOUNDED: Bounded = Bounded::Groups;
    const NAME: &'static str = "displayname";
    const MANY: &'static str = "members";

    fn render(stored: &Stored<Self>, directory: &Directory, base: &str) -> Value {
        group::render(stored, directory, base)
    }

    fn brief(stored: &Stored<Self>, _: &Directory, base: &str) -> Value {
        group::without_members(stored, base)
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

    fn entered(&self, body: &Value, visit: &Visit<'_>) -> Result<Self, Problem> {
        let mut draft = Draft::blank();
        patch::whole(&mut draft, body)?;
        let group = draft.finish(self, &visit.directory);
        if group.display.is_empty() { Err(Problem::Value("displayName is needed")) } else { Ok(group) }
    }

    fn patched(&self, operations: &[patch::Operation], visit: &Visit<'_>) -> Result<Self, Problem> {
        let mut draft = Draft::of(self);
        patch::apply(&mut draft, operations)?;
        Ok(draft.finish(self, &visit.directory))
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

#[cfg(test)]
mod tests {
    use super::*;
    use domain::id::TenantId;

    fn groups(number: u8, members: u8) -> Vec<Stored<ProvisionedGroup>> {
        let group = |id: u8| ProvisionedGroup {
            id: RecordId([id; 16]),
            tenant: TenantId([1; 16]),
            connection: RecordId([2; 16]),
            display: format!("Group {id}"),
            external_id: None,
            members: (0..u64::from(members) * 100).map(member).collect(),
            removed: false,
            created: Timestamp(0),
        };
        (1..=number).map(|id| Stored { entry: group(id), version: 1, last_updated: Timestamp(0) }).collect()
    }

    fn member(number: u64) -> RecordId {
        format!("0199a1b2-0000-7000-8000-{number:012x}").parse().unwrap()
    }

    fn names(found: &[Stored<ProvisionedGroup>], query: &str) -> (usize, Vec<String>) {
        let directory = Directory::new([], [], [], []);
        let parameters = Parameters::read(query).unwrap();
        let (total, page) = page(found, &parameters, &directory, "https://here.example");
        (total, page.iter().map(|group| group["displayName"].as_str().unwrap().to_owned()).collect())
    }

    #[test]
    fn a_page_of_large_groups_is_cut_short_and_the_next_goes_on_after_it() {
        let found = groups(12, 100);
        let (total, first) = names(&found, "");
        assert_eq!((total, first.len()), (12, 5));
        let (total, second) = names(&found, "startIndex=6&count=3");
        assert_eq!((total, second), (12, vec!["Group 6".to_owned(), "Group 7".to_owned(), "Group 8".to_owned()]));
        assert_eq!(names(&found, "excludedAttributes=members").1.len(), 12);
        assert_eq!(names(&found, "count=0"), (12, vec![]));
    }

    #[test]
    fn a_filter_finds_groups_by_name_and_by_member() {
        let found = groups(3, 1);
        assert_eq!(names(&found, "filter=displayName%20co%20%222%22"), (1, vec!["Group 2".to_owned()]));
        let by = |number| format!("filter=members%20eq%20%22{}%22&count=1&startIndex=2", member(number));
        assert_eq!(names(&found, &by(7)), (3, vec!["Group 2".to_owned()]));
        assert_eq!(names(&found, &by(100)), (0, vec![]));
    }
}
