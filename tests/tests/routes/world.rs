//! A gateway with results of one tenant, and everybody who comes to ask for them.

use crate::rows::{Proof, Row};
use reqwest::{Client, Method, Url, redirect};
use serde_json::Value;
use tests::application::{ASSERTION_TYPE, Application};
use tests::browser::Browser;
use tests::gateway::{Gateway, PATIENCE};
use tests::home::Home;
use tests::message::Oru;
use tests::mllp::code;
use tests::person::{Person, SESSION, csrf};
use tokio::runtime::{Builder, Runtime};

const PROGRAM: &str = env!("CARGO_BIN_EXE_sealgate-under-test");
/// Whom the provider told of first, and the group.
pub(crate) const FIRST_USER: &str =
    r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"ralph","externalId":"1"}"#;
pub(crate) const FIRST_GROUP: &str =
    r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"nurses"}"#;
const SIGN_IN: &str = "__Host-sealgate-sign-in";

/// A method that nothing serves.
pub(crate) const OTHER: &str = "PROPFIND";

/// Somebody who asks.
pub(crate) struct Caller {
    pub(crate) name: &'static str,
    /// The cookie and the hidden field of a session.
    session: Option<(String, String)>,
    bearer: Option<String>,
    /// What a provider shows who tells of its people.
    provisioning: Option<String>,
    /// What an administrator's script shows.
    administering: Option<String>,
}

/// What there is to be asked for.
pub(crate) struct World {
    pub(crate) gateway: Gateway,
    pub(crate) callers: Vec<Caller>,
    pub(crate) tenant: String,
    pub(crate) patient: String,
    pub(crate) report: String,
    pub(crate) saml: String,
    pub(crate) oidc: String,
    pub(crate) stylesheet: String,
    /// Where the right caller was sent after looking for a patient.
    pub(crate) found: String,
    pub(crate) origin: String,
    /// Somebody that the provider told of, and a group.
    pub(crate) person: String,
    pub(crate) group: String,
    /// An account that nobody has taken up.
    pub(crate) account: String,
    /// Somebody's session, and a provider's token: nobody here needs them.
    pub(crate) idle_session: String,
    pub(crate) spare_token: String,
    operations: String,
    registry: Application,
    narrow: Application,
    far: Application,
    foreign: Application,
    /// The client id of an application that people launch.
    pub(crate) launched: String,
    browser: (String, String),
    runtime: Runtime,
    http: Client,
    /// For half of them: all together are refused more often than one address may be.
    elsewhere: Client,
    /// For administration: by itself as often refused.
    scripts: Client,
    _home: Home,
}

/// An answer, in short.
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// As it stands in the table.
    pub(crate) said: String,
    pub(crate) body: String,
    location: Option<String>,
}

impl World {
    pub(crate) fn new() -> Self {
        let home = Home::new(PROGRAM);
        let (own, other) = (home.first().name.clone(), home.second().name.clone());
        home.done(&["tenant", "add-clinic", "Far", "--tenant", &own]);
        let invite = |name: &str, tenant: &str, more: &[&str]| {
            let add = ["user", "add", name, "--tenant", tenant, "--json"];
            home.json(&[add.as_slice(), more].concat())["invitation"].as_str().unwrap().to_owned()
        };
        let invitations = [
            invite("ada", &own, &["--role", "provider"]),
            invite("olga", &other, &["--role", "provider"]),
            invite("adam", &own, &["--role", "admin"]),
            invite("ben", &own, &["--role", "provider", "--clinic", "Far"]),
            invite("eve", &own, &["--role", "provider"]),
            invite("iris", &own, &["--role", "read-only"]),
        ];
        let zoe = home.json(&["user", "add", "zoe", "--tenant", &own, "--role", "staff", "--json"]);
        let administering = [&own, &other].map(|tenant| {
            let add = ["client", "add", "script", "--tenant", tenant, "--role", "admin", "--role", "auditor"];
            home.done(&add).trim().to_owned()
        });
        let client = |name: &str, more: &[&str]| {
            let add = ["client", "add", name, "--tenant", own.as_str()];
            home.done(&[add.as_slice(), more].concat()).trim().to_owned()
        };
        let (auditing, far_client) =
            (client("auditor", &["--role", "auditor"]), client("far-ward", &["--clinic", "Far"]));
        let all = ["--role", "read-only", "--scope", "system/*.rs"];
        let registry = Application::registered(&home, &own, "registry", &all);
        let foreign = Application::registered(&home, &other, "foreign", &all);
        let far = Application::registered(&home, &own, "far", &[all.as_slice(), &["--clinic", "Far"]].concat());
        let scope = ["--role", "read-only", "--scope", "system/Practitioner.rs"];
        let narrow = Application::registered(&home, &own, "narrow", &scope);
        let add = ["application", "add-launch", "chart", "--tenant", own.as_str(), "--json"];
        let more =
            ["--redirect-uri", "https://app.example/back", "--scope", "patient/*.rs", "--scope", "launch/patient"];
        let launched = home.json(&[add.as_slice(), &more].concat())["client_id"].as_str().unwrap().to_owned();
        let oidc = ["connection", "add-oidc", "Hospital", "--tenant", own.as_str(), "--json"];
        let more = ["--issuer", "http://127.0.0.1:9/realm", "--client-id", "gateway", "--allow-http-loopback"];
        let more = [more.as_slice(), &["--client-key", "ES256"]].concat();
        let oidc = home.json(&[oidc.as_slice(), &more].concat())["id"].as_str().unwrap().to_owned();
        let saml = saml(&home, &own);
        let more = ["--issuer", "http://127.0.0.1:9/realm", "--client-id", "gateway", "--allow-http-loopback"];
        home.done(&[["connection", "add-oidc", "Elsewhere", "--tenant", other.as_str()].as_slice(), &more].concat());
        let teller = |connection: &str| home.json(&["connection", "scim-token", connection, "--json"]);
        let [told, beside, elsewhere, revoked] = ["Clinic", "Hospital", "Elsewhere", "Clinic"].map(teller);
        let spare = teller("Hospital");
        home.done(&["connection", "scim-token", "Clinic", "--revoke", revoked["mark"].as_str().unwrap()]);
        let tellers = [told, elsewhere, beside, revoked].map(|made| made["token"].as_str().unwrap().to_owned());

        let gateway = home.serve();
        let origin = gateway.origin();
        let mut sender = gateway.mllp();
        let message = String::from_utf8(Oru::new("ROUTES", "ORD7", 2).render()).unwrap();
        let document = "OBX|3|ED|11502-2^Laboratory letter^LN||^application^pdf^Base64^JVBERi0xLjQK||||||F\rNTE|1|";
        assert_eq!(code(&sender.exchange(message.replace("NTE|1|", document).as_bytes()).unwrap()), "AA");
        let report = gateway.fhir(home.first()).get("/DiagnosticReport").resources().remove(0);
        let patient = report["subject"]["reference"].as_str().unwrap().trim_start_matches("Patient/").to_owned();

        let mut browser = Browser::new();
        let page = browser.get(&format!("{origin}/sign-in/{}", home.first().id));
        let host = gateway.fhir_address().to_string();
        let cookie = browser.cookie(&host, SIGN_IN).unwrap().to_owned();
        let stylesheet = page.body.split("/assets/").nth(1).and_then(|rest| rest.split('"').next()).unwrap().to_owned();

        let from = |address: [u8; 4]| {
            let http = Client::builder().timeout(PATIENCE).no_proxy().redirect(redirect::Policy::none());
            http.local_address(std::net::IpAddr::from(address)).build().unwrap()
        };
        let (http, elsewhere) = (from([127, 0, 0, 1]), from([127, 0, 0, 2]));
        let scripts = from([127, 0, 0, 3]);
        let mut world = Self {
            operations: format!("http://{}", gateway.operations_address()),
            callers: Vec::new(),
            tenant: home.first().id.clone(),
            report: report["id"].as_str().unwrap().to_owned(),
            browser: (cookie, csrf(&page)),
            runtime: Builder::new_current_thread().enable_all().build().unwrap(),
            found: String::new(),
            person: String::new(),
            group: String::new(),
            account: zoe["id"].as_str().unwrap().to_owned(),
            idle_session: String::new(),
            spare_token: spare["mark"].as_str().unwrap().to_owned(),
            _home: home,
            gateway,
            patient,
            saml,
            oidc,
            stylesheet,
            origin,
            registry,
            narrow,
            far,
            foreign,
            launched,
            http,
            elsewhere,
            scripts,
        };
        world.invite_everybody(&invitations, &tellers, &administering, auditing, far_client);
        world
    }

    fn invite_everybody(
        &mut self,
        invitations: &[String; 6],
        tellers: &[String; 4],
        administering: &[String; 2],
        auditing: String,
        far_client: String,
    ) {
        let [ada, olga, adam, ben, eve, iris] = invitations;
        let [told, elsewhere, beside, revoked] = tellers;
        let of = |name, session, bearer: Option<String>| {
            let provisioning = match name {
                "right" => Some(told.clone()),
                "wrong tenant" => Some(elsewhere.clone()),
                "wrong compartment" => Some(beside.clone()),
                "expired session" => Some(revoked.clone()),
                _ => bearer.clone(),
            };
            let administering = match name {
                "right" => Some(administering[0].clone()),
                "wrong tenant" => Some(administering[1].clone()),
                _ => bearer.clone(),
            };
            Caller { name, session, bearer, provisioning, administering }
        };
        // What expires is used first and then expires for good, everything that she got and nothing else.
        let mut database = self._home.database();
        let before = database.texts("SELECT hex(key) FROM ticket");
        let expired = of("expired session", Some(self.session(eve)), Some(self.token(&self.registry, "system/*.rs")));
        for path in ["/account", "/fhir/DiagnosticReport"] {
            assert_eq!(self.ask(&expired, "GET", &crate::rows::get(path.to_owned()), &[]).status, 200, "{path}");
        }
        let before = before.iter().map(|key| format!("x'{key}'")).collect::<Vec<_>>().join(",");
        assert!(database.execute(&format!("UPDATE ticket SET expires = 1 WHERE key NOT IN ({before})")) >= 2);
        database.close();

        let (first, second) = (self._home.first().token.clone(), self._home.second().token.clone());
        let narrow = self.token(&self.narrow, "system/Practitioner.rs");
        self.callers = vec![
            of("right", Some(self.session(ada)), Some(first)),
            of("anonymous", None, None),
            of("wrong tenant", Some(self.session(olga)), Some(second)),
            of("wrong role", Some(self.session(adam)), Some(auditing)),
            of("wrong scope", None, Some(narrow)),
            of("wrong compartment", Some(self.session(ben)), Some(far_client)),
            expired,
        ];
        let right = &self.callers[0];
        let row = crate::rows::row(self, "POST", "/patients").unwrap();
        let sent = self.ask(right, "POST", &row, &self.form(right, &row));
        self.found = sent.location.unwrap();
        let (person, group) = (self.told("Users"), self.told("Groups"));
        (self.person, self.group) = (person, group);
        self.session(iris);
        let row = crate::rows::row(self, "GET", "/admin/v1/sessions").unwrap();
        let sessions: Value = serde_json::from_str(&self.ask(&self.callers[0], "GET", &row, &[]).body).unwrap();
        let of_iris = sessions["items"].as_array().unwrap().iter().find(|session| session["display"] == "iris");
        self.idle_session = of_iris.unwrap()["id"].as_str().unwrap().to_owned();
    }

    /// Takes up an invitation; returns the cookie and the hidden field of the session.
    fn session(&self, invitation: &str) -> (String, String) {
        let mut person = Person::invited(&self.origin, invitation);
        let account = person.browser.get(&format!("{}/account", self.origin));
        let host = self.gateway.fhir_address().to_string();
        (person.browser.cookie(&host, SESSION).unwrap().to_owned(), csrf(&account))
    }

    /// Tells of somebody or of a group as the right provider; returns the id.
    fn told(&self, path: &str) -> String {
        let row = crate::rows::row(self, "POST", &format!("/scim/v2/{{connection}}/{path}")).unwrap();
        let row = Row { json: Some(if path == "Users" { FIRST_USER } else { FIRST_GROUP }), ..row };
        let value: Value = serde_json::from_str(&self.ask(&self.callers[0], "POST", &row, &[]).body).unwrap();
        value["id"].as_str().unwrap_or_else(|| panic!("an id: {value}")).to_owned()
    }

    fn token(&self, application: &Application, scope: &str) -> String {
        let row = crate::rows::row(self, "POST", "/oauth/token").unwrap();
        let mut form =
            assertion(application.assertion(&self.endpoint(), &application.id, name_of(self, application), 60));
        form.extend([("grant_type", "client_credentials".to_owned()), ("scope", scope.to_owned())]);
        let nobody = Caller { name: "", session: None, bearer: None, provisioning: None, administering: None };
        let answer = self.ask(&nobody, "POST", &row, &form);
        let value: Value = serde_json::from_str(&answer.body).unwrap();
        value["access_token"].as_str().unwrap_or_else(|| panic!("a token: {value}")).to_owned()
    }

    fn endpoint(&self) -> String {
        format!("{}/oauth/token", self.origin)
    }

    /// Returns the form that somebody sends.
    pub(crate) fn form(&self, caller: &Caller, row: &Row) -> Vec<(&'static str, String)> {
        let mut form = row.form.clone();
        match row.proof {
            Proof::None | Proof::Provisioning | Proof::Administering => {}
            Proof::Browser => form.push(("csrf", self.browser.1.clone())),
            Proof::Session => form.extend(caller.session.as_ref().map(|(_, field)| ("csrf", field.clone()))),
            Proof::Token => {
                let scope = match caller.name {
                    "wrong scope" => "system/Observation.rs",
                    "wrong compartment" => "patient/*.rs",
                    _ => "system/*.rs",
                };
                form.extend([("grant_type", "client_credentials".to_owned()), ("scope", scope.to_owned())]);
                form.extend(self.shown(caller, &self.registry.id));
            }
            Proof::AboutToken => {
                form.push(("token", self.token(&self.registry, "system/*.rs")));
                form.extend(self.shown(caller, &self.foreign.id));
            }
        }
        form
    }

    /// What shows which application somebody is; `foreign` is whom the application of the other tenant says to be.
    fn shown(&self, caller: &Caller, foreign: &str) -> Vec<(&'static str, String)> {
        let endpoint = self.endpoint();
        assertion(match caller.name {
            "anonymous" => return Vec::new(),
            "wrong tenant" => self.foreign.assertion(&endpoint, foreign, "foreign", 60),
            "wrong role" => self.registry.assertion(&endpoint, &self.launched, "registry", 60),
            "wrong scope" => self.narrow.assertion(&endpoint, &self.narrow.id, "narrow", 60),
            "wrong compartment" => self.far.assertion(&endpoint, &self.far.id, "far", 60),
            "expired session" => self.registry.assertion(&endpoint, &self.registry.id, "registry", -10),
            _ => self.registry.assertion(&endpoint, &self.registry.id, "registry", 60),
        })
    }

    /// Says whether an answer tells of anything that is Harbour's.
    fn whose(&self, body: &str) -> &'static str {
        let of_harbour = [&self.tenant, &self.account, &self.oidc, &self.saml];
        let told = of_harbour.into_iter().any(|id| body.contains(id.as_str()));
        if told || ["\"ada\"", "\"Far\""].iter().any(|name| body.contains(name)) { "Harbour" } else { "" }
    }

    /// Asks as somebody, and follows nothing.
    pub(crate) fn ask(&self, caller: &Caller, method: &str, row: &Row, form: &[(&'static str, String)]) -> Answer {
        let base = if row.operations { &self.operations } else { &self.origin };
        let url = Url::parse(&format!("{base}{}", row.path)).unwrap();
        let half = matches!(caller.name, "wrong scope" | "wrong compartment" | "expired session");
        let http = match (row.proof, half) {
            (Proof::Administering, _) => &self.scripts,
            (_, true) => &self.elsewhere,
            (_, false) => &self.http,
        };
        let mut request = http.request(Method::from_bytes(method.as_bytes()).unwrap(), url.clone());
        let mut cookies = Vec::new();
        cookies.extend(caller.session.as_ref().map(|(cookie, _)| format!("{SESSION}={cookie}")));
        if row.proof == Proof::Browser {
            cookies.push(format!("{SIGN_IN}={}", self.browser.0));
        }
        if !cookies.is_empty() {
            request = request.header("cookie", cookies.join("; "));
        }
        let bearer = match row.proof {
            Proof::Token | Proof::AboutToken => None,
            Proof::Provisioning => caller.provisioning.as_ref(),
            Proof::Administering => caller.administering.as_ref(),
            Proof::None | Proof::Session | Proof::Browser => caller.bearer.as_ref(),
        };
        if let Some(token) = bearer {
            request = request.bearer_auth(token);
        }
        if let Some(json) = row.json.filter(|_| method != OTHER) {
            let media = match (row.proof, row.method) {
                (Proof::Administering, "PATCH") => "application/merge-patch+json",
                (Proof::Administering, _) => "application/json",
                _ => "application/scim+json",
            };
            request = request.header("content-type", media).body(json);
        } else if method == "POST" {
            request = request.header("origin", &self.origin).form(form);
        }
        if row.proof == Proof::Administering {
            request = request.header("if-match", "*");
        }
        let (status, location, body) = self.runtime.block_on(async {
            let response = request.send().await.unwrap();
            let location = response.headers().get("location").and_then(|to| to.to_str().ok()).map(str::to_owned);
            (response.status().as_u16(), location, response.text().await.unwrap())
        });
        let said = match location.as_deref() {
            Some(to) => format!("{status} {}", place(&url, to)),
            None if row.proof == Proof::Administering && row.method == "GET" => {
                format!("{status} {}", self.whose(&body))
            }
            None => format!("{status} {}", refusal(&body)),
        };
        Answer { status, said: said.trim_end().to_owned(), body, location }
    }
}

fn assertion(signed: String) -> Vec<(&'static str, String)> {
    vec![("client_assertion_type", ASSERTION_TYPE.to_owned()), ("client_assertion", signed)]
}

fn name_of(world: &World, application: &Application) -> &'static str {
    if application.id == world.narrow.id { "narrow" } else { "registry" }
}

/// The first part of where a redirect leads; elsewhere, the error that it brings.
fn place(from: &Url, to: &str) -> String {
    let url = from.join(to).unwrap();
    if let Some((_, error)) = url.query_pairs().find(|(name, _)| name == "error") {
        return error.into_owned();
    }
    let first = url.path_segments().and_then(|mut parts| parts.next().map(str::to_owned)).unwrap_or_default();
    if url.origin() == from.origin() { format!("/{first}") } else { "elsewhere".to_owned() }
}

/// What an answer is that is a refusal in spite of its code.
fn refusal(body: &str) -> &'static str {
    let value: Value = serde_json::from_str(body).unwrap_or_default();
    if value["active"] == false {
        "inactive"
    } else if value["resourceType"] == "Bundle" && value["entry"].as_array().is_none_or(Vec::is_empty) {
        "none"
    } else {
        ""
    }
}

/// Adds a SAML connection, to a provider that is not there.
fn saml(home: &Home, tenant: &str) -> String {
    let at = |name: &str| home.path(name).display().to_string();
    let made = home.done(&["sso", "keys", "--folder", &at("saml")]);
    home.configure(false, made.split_once("\n\n").unwrap().1);
    home.done(&["sso", "keys", "--folder", &at("idp"), "--name", "idp.example"]);
    let pem = std::fs::read_to_string(home.path("idp/saml-signing.crt")).unwrap();
    let certificate: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let metadata = format!(
        "<EntityDescriptor xmlns=\"urn:oasis:names:tc:SAML:2.0:metadata\" entityID=\"https://idp.example/saml\">\
         <IDPSSODescriptor protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\"><KeyDescriptor use=\"signing\">\
         <KeyInfo xmlns=\"http://www.w3.org/2000/09/xmldsig#\"><X509Data><X509Certificate>{certificate}</X509Certificate></X509Data>\
         </KeyInfo></KeyDescriptor><SingleSignOnService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect\" \
         Location=\"https://idp.example/sso\"/></IDPSSODescriptor></EntityDescriptor>"
    );
    std::fs::write(home.path("idp.xml"), metadata).unwrap();
    let add = ["connection", "add-saml", "Clinic", "--tenant", tenant, "--metadata-file", &at("idp.xml"), "--json"];
    home.json(&add)["id"].as_str().unwrap().to_owned()
}
