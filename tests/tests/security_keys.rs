//! Security keys on the wire: at a gateway that serves, by a browser without a screen and a key made of software.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

use serde_json::Value;
use sso::double::Authenticator;
use std::net::TcpListener;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tests::browser::{Browser, Page};
use tests::gateway::{Gateway, PATIENCE, eventually};
use tests::home::{Home, write_private};
use tests::person::{PASSWORD, Person};
use tests::receiving::Receiving;

const PROGRAM: &str = env!("CARGO_BIN_EXE_sealgate-under-test");

/// A gateway that is known by a name, with somebody who has an app.
struct Site {
    home: Home,
    gateway: Gateway,
    origin: String,
    ada: Person,
}

impl Site {
    fn new() -> Self {
        Self::with("")
    }

    /// One with more settings for sign-on.
    fn with(more: &str) -> Self {
        let home = Home::new(PROGRAM);
        write_private(&home.path("webhook-key"), b"a key of more than thirty-two bytes");
        let path = home.path("sealgate.toml");
        let text = std::fs::read_to_string(&path).unwrap();
        let tenant = home.first().name.clone();
        let added = home.json(&["user", "add", "ada", "--tenant", &tenant, "--role", "provider", "--json"]);
        // The name has the port in it, so the port is chosen before the gateway takes it: just before, while others choose too.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let origin = format!("http://localhost:{port}");
        let fhir = format!("[fhir]\nbind = \"127.0.0.1:{port}\"\nbase_url = \"{origin}/fhir\"\n");
        let text = text.replace("[fhir]\nbind = \"127.0.0.1:0\"\n", &fhir);
        std::fs::write(&path, text.replace("[sign_on]\n", &format!("[sign_on]\n{more}"))).unwrap();
        let gateway = home.serve();
        let ada = Person::invited(&origin, added["invitation"].as_str().unwrap());
        let mut site = Self { home, gateway, origin, ada };
        let account = site.at("/account");
        eventually("the session is in force", || site.ada.browser.get(&account).status == 200);
        site
    }

    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }

    fn key(&self, number: u8) -> Authenticator {
        Authenticator::new(number, &self.origin).unwrap()
    }

    /// Adds a key as Ada, and waits until it is in force.
    fn add(&mut self, key: &mut Authenticator, name: &str) -> Page {
        let page = self.ada.browser.get(&self.at("/account/keys"));
        let answer = key.register(&options(&page)).unwrap();
        send(&mut self.ada.browser, &page, "/account/keys", &[("name", name), ("answer", &answer)])
    }

    /// Shows the password in another browser, until the second step is as it is wanted.
    fn asked(&self, path: &str, wanted: impl Fn(&Page) -> bool) -> (Browser, Page) {
        let mut found = None;
        eventually("the directory is in force", || {
            let mut browser = Browser::new();
            let page = browser.get(&self.at(&format!("/sign-in/{}?return={path}", self.home.first().id)));
            let proved = send(&mut browser, &page, "/password", &[("name", "ada"), ("password", PASSWORD)]);
            let page = browser.follow(proved);
            let fits = wanted(&page);
            found = Some((browser, page));
            fits
        });
        found.unwrap()
    }

    fn chain(&self, more: &[&str]) -> String {
        let show = ["audit", "show", "--tenant", &self.home.first().name, "--context"];
        self.home.done(&[show.as_slice(), more].concat())
    }
}

fn has_key(page: &Page) -> bool {
    page.body.contains("data-options=")
}

/// What the form for a key is to be answered to.
fn options(page: &Page) -> String {
    attribute(page, "data-options")
}

fn shown(browser: &mut Browser, page: &Page, answer: &str) -> Page {
    send(browser, page, "/key", &[("answer", answer)])
}

fn attribute(page: &Page, name: &str) -> String {
    let rest = page.body.split(&format!("{name}=\"")).nth(1);
    let rest = rest.unwrap_or_else(|| panic!("{name} at {}: {} {}", page.url, page.status, page.body));
    rest.split('"').next().unwrap().replace("&#34;", "\"")
}

/// Fills in the form of the page whose address ends so, and sends it: on a page of somebody who is signed in the first form is the
/// one that signs out.
fn send(browser: &mut Browser, page: &Page, part: &str, fields: &[(&str, &str)]) -> Page {
    let value =
        |form: &str, before: &str| form.split(before).nth(1).and_then(|rest| rest.split('"').next()).map(str::to_owned);
    let action = |form: &str| value(form, " action=\"").unwrap().replace("&#38;", "&");
    let mut forms = page.body.split("<form").skip(1);
    let form = forms.find(|form| action(form).split('?').next().is_some_and(|path| path.ends_with(part)));
    let form = form.unwrap_or_else(|| panic!("a form to {part} at {}: {} {}", page.url, page.status, page.body));
    let (to, token) = (page.url.join(&action(form)).unwrap(), value(form, "name=\"csrf\" value=\"").unwrap());
    let mut filled = vec![("csrf", token.as_str())];
    filled.extend(fields);
    browser.post(to.as_str(), &filled)
}

#[test]
fn a_key_is_added_signs_in_steps_up_and_is_taken_away_by_an_operator() {
    let mut site = Site::new();
    let mut key = site.key(1);
    let added = site.add(&mut key, "Blue key");
    assert_eq!(added.location.unwrap().path(), "/account/keys", "{}", added.body);

    let (mut browser, page) = site.asked("/patients", has_key);
    assert!(page.body.contains("six digits"), "the app serves as before");
    let done = shown(&mut browser, &page, &key.sign(&options(&page)).unwrap());
    assert_eq!(done.location.as_ref().unwrap().path(), "/patients", "{}", done.body);
    assert_eq!(browser.follow(done).status, 200);

    let page = browser.get(&site.at("/step-up?return=%2Fbreak-glass"));
    let page = browser.follow(page);
    let proved = send(&mut browser, &page, "/password", &[("name", "ada"), ("password", PASSWORD)]);
    let page = browser.follow(proved);
    let done = shown(&mut browser, &page, &key.sign(&options(&page)).unwrap());
    assert_eq!(done.location.as_ref().unwrap().path(), "/break-glass", "{}", done.body);
    assert_eq!(browser.follow(done).status, 200);

    let used = site.chain(&["--action", "SecurityKeyUsed"]);
    assert_eq!(used.matches("SecurityKeyUsed").count(), 2, "{used}");
    for method in ["fido", "hwk", "user"] {
        assert_eq!(used.matches(&format!("amr       {method}")).count(), 2, "{used}");
    }
    let listed = site.home.json(&["user", "keys", "ada", "--json"]);
    assert_eq!(listed[0]["name"], "Blue key");
    let id = listed[0]["id"].as_str().unwrap();
    assert!(used.contains(&format!("SecurityKey/{id}")), "{used}");
    let people = site.home.json(&["user", "list", "--json"]);
    assert_eq!((&people[0]["security_keys"], &people[0]["second_factor_set"]), (&1.into(), &true.into()));

    let unknown = site.home.run(&["user", "remove-key", "ada", "--key", "Red key"]);
    assert!(unknown.code == Some(1) && unknown.stderr.contains("has no such security key"), "{}", unknown.stderr);
    site.home.done(&["user", "remove-key", "ada", "--key", "blue KEY"]);
    eventually("her sessions are over", || browser.get(&site.at("/account")).status != 200);
    let (_, page) = site.asked("/patients", |page| !has_key(page));
    assert!(page.body.contains("six digits"), "the app is left: {}", page.body);
    assert_eq!(site.home.json(&["user", "keys", "ada", "--json"]), Value::Array(Vec::new()));
}

#[test]
fn what_is_wrong_with_an_answer_stands_in_the_chain_and_nowhere_else() {
    let mut site = Site::new();
    let mut key = site.key(1);
    site.add(&mut key, "Blue key");
    let (mut browser, page) = site.asked("/", has_key);
    let old = options(&page);
    key.origin = "https://localhost.evil.example".to_owned();
    let mut pages = vec![("wrong-origin", shown(&mut browser, &page, &key.sign(&old).unwrap()))];
    key.origin = site.origin.clone();
    let repeated = key.sign(&old).unwrap();
    pages.push(("challenge-used", shown(&mut browser, &page, &repeated)));
    let (mut other, _) = site.asked("/", has_key);
    let page = other.get(&site.at(&format!("/sign-in/{}/code", site.home.first().id)));
    pages.push(("wrong-challenge", shown(&mut other, &page, &repeated)));
    let stranger = site.key(9).sign(&options(&page)).unwrap();
    pages.push(("unknown-key", shown(&mut other, &page, &stranger)));
    let page = other.get(page.url.as_str());
    key.counter = Some(0);
    let copied = key.sign(&options(&page)).unwrap();
    pages.push(("counter-went-back", shown(&mut other, &page, &copied)));
    let page = other.get(page.url.as_str());
    pages.push(("unreadable-key-answer", shown(&mut other, &page, "{\"response\":{}}")));
    for (reason, page) in &pages {
        assert_eq!(page.status, 401, "{reason}: {}", page.body);
        assert!(page.body.contains("The key was not accepted") && !page.body.contains(reason), "{}", page.body);
    }
    let chain = site.chain(&["--action", "LoginFailed"]);
    let explained = site.home.done(&["sso", "explain", "--tenant", &site.home.first().name]);
    for (reason, _) in &pages {
        assert_eq!(chain.matches(&format!("reason    {reason}")).count(), 1, "{reason}: {chain}");
        assert!(explained.contains(reason), "{reason}: {explained}");
    }
}

#[test]
fn a_copied_key_is_told_of_at_once_and_once() {
    let receiving = Receiving::start(false);
    let webhook =
        format!("break_glass_webhook = \"{}\"\nbreak_glass_webhook_key_file = \"webhook-key\"\n", receiving.address);
    let mut site = Site::with(&webhook);
    let mut key = site.key(1);
    site.add(&mut key, "Blue key");
    let (mut browser, page) = site.asked("/patients", has_key);
    let done = shown(&mut browser, &page, &key.sign(&options(&page)).unwrap());
    assert_eq!(done.location.unwrap().path(), "/patients");
    for _ in 0..2 {
        key.counter = Some(0);
        let (mut browser, page) = site.asked("/", has_key);
        assert_eq!(shown(&mut browser, &page, &key.sign(&options(&page)).unwrap()).status, 401);
    }
    // The receiver comes back, and is told then.
    receiving.open.store(true, Ordering::SeqCst);
    let told = receiving.told.recv_timeout(PATIENCE).unwrap();
    let alarm: Value = serde_json::from_str(&told.body).unwrap();
    let id = site.home.json(&["user", "keys", "ada", "--json"])[0]["id"].clone();
    assert_eq!((&alarm["event"], &alarm["key"]), (&"security-key-copied".into(), &id), "{alarm}");
    assert_eq!(alarm["person"]["display"], "ada");
    assert!(told.signature.starts_with("t=") && receiving.told.recv_timeout(Duration::from_secs(3)).is_err());
    let chain = site.chain(&["--action", "LoginFailed"]);
    assert_eq!(chain.matches("counter-went-back").count(), 2, "{chain}");
    assert!(chain.contains(alarm["person"]["id"].as_str().unwrap()), "{chain}");
    assert!(chain.contains(&format!("SecurityKey/{}", id.as_str().unwrap())), "{chain}");
    let log = site.gateway.log();
    let lines = log.lines().filter(|line| line.contains("there may be a copy of it")).count();
    assert_eq!(lines, 1, "{log}");
}

#[test]
fn keys_of_a_former_host_are_shown_as_such() {
    let mut site = Site::new();
    let mut key = site.key(1);
    site.add(&mut key, "Blue key");
    let listed = site.home.json(&["user", "keys", "ada", "--json"]);
    assert_eq!((&listed[0]["host"], &listed[0]["counts"]), (&"localhost".into(), &true.into()));
    let path = site.home.path("sealgate.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("http://localhost:", "http://moved.example:")).unwrap();
    let listed = site.home.done(&["user", "keys", "ada"]);
    assert!(listed.contains("of another host: localhost"), "{listed}");
    let people = site.home.json(&["user", "list", "--json"]);
    assert_eq!(
        (&people[0]["security_keys"], &people[0]["second_factor_set"]),
        (&0.into(), &true.into()),
        "an app is left"
    );
    site.home.done(&["user", "remove-key", "ada", "--key", "Blue key"]);
}

#[test]
fn a_key_that_is_all_there_is_goes_with_the_password_only() {
    let site = Site::new();
    let tenant = site.home.first().name.clone();
    let added = site.home.json(&["user", "add", "bob", "--tenant", &tenant, "--role", "provider", "--json"]);
    let (_, secret) = added["invitation"].as_str().unwrap().split_once("/invitation/").unwrap();
    let (mut browser, link) = (Browser::new(), site.at(&format!("/invitation/{secret}")));
    eventually("the account is in force", || browser.get(&link).status == 200);
    let page = browser.get(&link);
    let set = send(&mut browser, &page, secret, &[("password", PASSWORD), ("again", PASSWORD)]);
    let page = browser.follow(set);
    let answer = site.key(3).register(&options(&page)).unwrap();
    let done = send(&mut browser, &page, "/enrol-key", &[("name", "Only"), ("answer", &answer)]);
    assert!(done.body.contains("Keep your recovery codes"), "{} {}", done.status, done.body);
    let refused = site.home.run(&["user", "remove-key", "bob", "--key", "Only"]);
    assert_eq!(refused.code, Some(1));
    assert!(refused.stderr.contains("sealgate user reset bob --second-factor"), "{}", refused.stderr);
    site.home.done(&["user", "reset", "bob", "--second-factor"]);
    assert_eq!(site.home.json(&["user", "keys", "bob", "--json"]), Value::Array(Vec::new()));
}
