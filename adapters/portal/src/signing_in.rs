//! Pages around signing in that speak no protocol: where one belongs, which ways there are, and that it is over.

use crate::answer::Answer;
use crate::cookie::Cookie;
use crate::csrf;
use crate::pages::{DiscoverPage, Errors, Here, NoticePage, SignInPage, Turn, Way, render};
use crate::place::Place;
use crate::problem::Problem;
use crate::visit::Visit;
use crate::{script, stylesheet as sheet};
use domain::access::Action;
use domain::directory::{Account, Directory, Protocol, Tenant};
use domain::id::TenantId;
use domain::index::{Field, normalise};
use domain::kind::Kind;
use domain::secret::Secret;
use zeroize::Zeroizing;

/// What binds the forms of a sign-in to its browser: the secret of its cookie.
pub(crate) struct Browser {
    secret: Secret<32>,
    /// The hidden field.
    pub(crate) token: String,
}

impl Browser {
    /// Returns what the browser has, or something new.
    pub(crate) fn of(visit: &Visit<'_>) -> Result<Self, Problem> {
        let secret = match Cookie::SignIn.read(visit.http) {
            Some(secret) => secret,
            None => Secret::fill(visit.service.retrieval.entropy.as_ref())?,
        };
        let token = csrf::token(&visit.service.sign_in.book.keys, &secret);
        Ok(Self { secret, token })
    }

    /// Borrows the secret.
    pub(crate) fn secret(&self) -> &Secret<32> {
        &self.secret
    }

    /// Returns the header value that keeps it for ten minutes from now.
    pub(crate) fn cookie(&self) -> Zeroizing<String> {
        Cookie::SignIn.set(&self.secret)
    }
}

/// Sends to where one belongs.
pub(crate) fn home(visit: &Visit<'_>) -> Result<Answer, Problem> {
    Ok(match visit.person() {
        None => Answer::see("/sign-in"),
        Some(_) if visit.might(Action::FhirSearch, Kind::Patient) => Answer::see("/patients"),
        Some(_) => Answer::see("/account"),
    })
}

/// Hands out the stylesheet and the script, under their present names only.
pub(crate) fn asset(visit: &Visit<'_>) -> Result<Answer, Problem> {
    match visit.part("name") {
        name if name == sheet::name() => Ok(Answer::stylesheet()),
        name if name == script::name() => Ok(Answer::script()),
        _ => Err(Problem::NotFound),
    }
}

/// Asks which organization somebody belongs to; where there is one only, that is known.
pub(crate) fn discover(visit: &Visit<'_>) -> Result<Answer, Problem> {
    let mut ways = visit.directory.tenants().filter(|tenant| has_ways(&visit.directory, tenant.id));
    match (ways.next(), ways.next()) {
        (Some(only), None) => Ok(Answer::see(visit.place().behind(&format!("/sign-in/{}", only.id)))),
        _ => ask_organization(visit, Errors::default()),
    }
}

/// Takes the name of an organization.
pub(crate) fn discovered(visit: &Visit<'_>) -> Result<Answer, Problem> {
    let named = visit.form.text("organization").trim();
    if named.is_empty() {
        return ask_organization(visit, Errors::one("organization", "Enter the name of your organization."));
    }
    let wanted = normalise(Field::Label, named);
    let found = visit.directory.tenants().find(|tenant| normalise(Field::Label, &tenant.name) == wanted);
    match found.filter(|tenant| has_ways(&visit.directory, tenant.id)) {
        Some(tenant) => Ok(Answer::see(visit.place().behind(&format!("/sign-in/{}", tenant.id)))),
        None => ask_organization(
            visit,
            Errors::one("organization", "No organization of this name signs in here. Check how it is written."),
        ),
    }
}

fn ask_organization(visit: &Visit<'_>, errors: Errors) -> Result<Answer, Problem> {
    let browser = Browser::of(visit)?;
    let page = DiscoverPage {
        frame: visit.frame(Here::Elsewhere),
        errors,
        token: browser.token.clone(),
        action: visit.place().behind("/sign-in"),
        value: visit.form.text("organization").to_owned(),
    };
    Ok(Answer::page(render(&page)?).with_cookie(browser.cookie()))
}

/// Offers the ways to sign in.
pub(crate) fn choose(visit: &Visit<'_>) -> Result<Answer, Problem> {
    offer(visit, tenant(visit)?, Errors::default())
}

/// Renders the ways to sign in of a tenant, with what was wrong before.
pub(crate) fn offer(visit: &Visit<'_>, tenant: &Tenant, errors: Errors) -> Result<Answer, Problem> {
    let browser = Browser::of(visit)?;
    let place = visit.place();
    let again = !visit.query.text("again").is_empty() && visit.person().is_some();
    let here = format!("/sign-in/{}", tenant.id);
    let doors = &visit.service.doors;
    let connections = visit.directory.connections_of(tenant.id).filter(|connection| {
        let speaks = match connection.protocol {
            Protocol::Oidc(_) => doors.oidc.is_some(),
            Protocol::Saml(_) => doors.saml.is_some(),
        };
        connection.enabled && speaks
    });
    let ways = connections
        .map(|connection| Way {
            name: connection.name.clone(),
            href: marked(place.behind(&format!("{here}/with/{}", connection.id)), again),
        })
        .collect();
    let page = SignInPage {
        frame: visit.frame(Here::Elsewhere),
        errors,
        token: browser.token.clone(),
        action: marked(place.behind(&format!("{here}/password")), again),
        organization: tenant.name.clone(),
        ways,
        local: doors.accounts.is_some() && has_accounts(&visit.directory, tenant.id),
        again,
        typed: visit.form.text("name").to_owned(),
    };
    Ok(Answer::page(render(&page)?).with_cookie(browser.cookie()))
}

/// Sends somebody who is signed in to prove it once more, by the way they came.
pub(crate) fn step_up(visit: &Visit<'_>) -> Result<Answer, Problem> {
    let session = &visit.signed_in()?.resumed.session;
    let place = visit.place();
    let tenant = format!("/sign-in/{}", session.tenant);
    let by_account = session.connection == Account::connection(session.tenant);
    let way = if by_account { tenant } else { format!("{tenant}/with/{}", session.connection) };
    Ok(Answer::see(marked(place.behind(&way), true)))
}

/// Returns the tenant of the path, by id or by name.
pub(crate) fn tenant<'a>(visit: &'a Visit<'_>) -> Result<&'a Tenant, Problem> {
    let named = visit.part("tenant");
    let by_id = named.parse::<TenantId>().ok().and_then(|id| visit.directory.tenant(id));
    let found = by_id.or_else(|| {
        let wanted = normalise(Field::Label, named);
        visit.directory.tenants().find(|tenant| normalise(Field::Label, &tenant.name) == wanted)
    });
    found.ok_or(Problem::NotFound)
}

/// Says that the session is over.
pub(crate) fn signed_out(visit: &Visit<'_>) -> Result<Answer, Problem> {
    let page = NoticePage {
        frame: visit.frame(Here::Elsewhere),
        title: "You are signed out",
        paragraphs: vec!["Your session here has ended.", "On a shared computer, close the browser as well."],
        onward: "/sign-in".to_owned(),
        onward_words: "Sign in again",
    };
    Ok(Answer::page(render(&page)?).forgetting())
}

/// Warns that the session is about to end. What was on the screen is gone from it, and nothing prolongs the session but a person.
pub(crate) fn ending(visit: &Visit<'_>) -> Result<Answer, Problem> {
    let place = visit.place();
    let mut frame = visit.frame(Here::Elsewhere);
    let seconds = visit.service.limits.warning_seconds;
    frame.turn = Some(Turn { seconds, to: place.behind("/session-ended") });
    let page = NoticePage {
        frame,
        title: "Your session is about to end",
        paragraphs: vec![
            "Nothing was opened for a while. In about a minute you will be signed out.",
            "What you were looking at was taken off the screen. You can go back to it.",
        ],
        onward: place.path().to_owned(),
        onward_words: "Stay signed in",
    };
    Ok(Answer::page(render(&page)?))
}

/// Says that the session ended; whoever goes on comes back to the same place.
pub(crate) fn ended(visit: &Visit<'_>) -> Result<Answer, Problem> {
    let page = NoticePage {
        frame: visit.frame(Here::Elsewhere),
        title: "Your session has ended",
        paragraphs: vec![
            "Nothing was opened for a while, so you were signed out.",
            "After signing in you come back to where you were.",
        ],
        onward: visit.place().path().to_owned(),
        onward_words: "Sign in and go on",
    };
    Ok(Answer::page(render(&page)?))
}

/// Returns the path with the mark that somebody proves once more who they are.
fn marked(path: String, again: bool) -> String {
    match (again, path.contains('?')) {
        (false, _) => path,
        (true, true) => format!("{path}&again=1"),
        (true, false) => format!("{path}?again=1"),
    }
}

/// Returns the path of a later step of a sign-in, which remembers the same as this one.
pub(crate) fn step(visit: &Visit<'_>, tenant: TenantId, name: &str) -> String {
    let again = !visit.query.text("again").is_empty();
    marked(visit.place().behind(&format!("/sign-in/{tenant}/{name}")), again)
}

/// Sends on to where a finished sign-in was headed.
pub(crate) fn arrived(place: Option<&str>) -> Answer {
    let place = place.and_then(Place::read).unwrap_or_else(Place::home);
    Answer::see(place.path().to_owned())
}

fn has_ways(directory: &Directory, tenant: TenantId) -> bool {
    directory.connections_of(tenant).any(|connection| connection.enabled) || has_accounts(directory, tenant)
}

fn has_accounts(directory: &Directory, tenant: TenantId) -> bool {
    directory.accounts().any(|account| account.tenant == tenant)
}
